package payment

import (
	"fmt"
	"time"
)

// Problem is a refusal that a cashier or a technician can act on. Errors of this package that a caller may see are of
// this type; everything else is a fault inside posd.
type Problem struct {
	Code    string     // stable and machine-readable: "sale_locked", "reversal_pending", "blocked" ...
	Status  int        // the HTTP status that fits
	Detail  string     // one sentence for a person
	Remedy  string     // what to do
	RetryAt time.Time  // when asking again makes sense; zero if it does not, or at any time
	Soon    bool       // asking again makes sense though nobody knows when: something runs that ends by itself
	Open    []OpenItem // what keeps a batch from being closed; mostly nil
}

// Error gives code and sentence.
func (p *Problem) Error() string { return fmt.Sprintf("%s: %s", p.Code, p.Detail) }
