package wallet

import "fmt"

// Class is what one signed answer of a gateway means to us. The zero value is ClassUnknown: who forgets to classify
// asks again and, in the end, reverses.
type Class int

// The classes. Their words are those of the table of result classes.
const (
	ClassUnknown       Class = iota // outcome not known: query, never a new order number
	ClassPaid                       // final success, if the five checks hold
	ClassPending                    // poll with query
	ClassFailed                     // this attempt cannot have taken money
	ClassFailedNewCode              // the same, and the customer shows a fresh code
	ClassConfig                     // refused because of our settings: an operator's fault
	ClassClosed                     // final, no money
	ClassReversed                   // final, money given back or order closed
	ClassRetryReverse               // call the reversal again
)

var classWords = [...]string{
	"UNKNOWN", "PAID", "PENDING", "FAILED", "FAILED_NEW_CODE", "CONFIG", "CLOSED", "REVERSED", "RETRY_REVERSE",
}

// String gives the word of the table.
func (c Class) String() string {
	if c < 0 || int(c) >= len(classWords) {
		return fmt.Sprintf("Class(%d)", int(c))
	}
	return classWords[c]
}

// Row says what one answer means. "*" stands for any value; Why is the reason or the source.
type Row struct {
	Code, Sub string
	Class     Class
	Why       string
}

// Table is the meaning of a call's answers. The first row that fits counts, and what no row lists is ClassUnknown.
type Table []Row

// Named is the table of one call.
type Named struct {
	Call  string
	Table Table
}

// Class looks an answer up.
func (t Table) Class(code, sub string) Class {
	for _, r := range t {
		if (r.Code == code || r.Code == "*") && (r.Sub == sub || r.Sub == "*") {
			return r.Class
		}
	}
	return ClassUnknown
}
