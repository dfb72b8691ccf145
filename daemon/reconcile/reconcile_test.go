package reconcile_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"posd/daemon/bill"
	"posd/daemon/payment"
	"posd/daemon/reconcile"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, bill.Beijing)

// attempt is a wallet's of 10.00 at noon, with the number that its id asks for.
func attempt(id string, state payment.State, change ...func(*payment.Attempt)) payment.Attempt {
	a := payment.Attempt{
		Key: payment.Key{Client: "till", Sale: "s", Attempt: id}, Rail: payment.RailWallet, Kind: payment.KindSale, State: state,
		Amount: 1000, Currency: "CNY", Instrument: "alipay", Numbers: payment.Numbers{Order: "J-" + id}, SentAt: noon, DecidedAt: noon.Add(time.Second),
	}
	if state == payment.ApprovedState {
		a.Approved = 1000
	}
	for _, c := range change {
		c(&a)
	}
	return a
}

// refund gives back of attempt a.
func refund(id string, state payment.State, amount payment.Cents) payment.Attempt {
	return attempt(id, state, func(a *payment.Attempt) {
		a.Kind, a.Original, a.Amount = payment.KindRefund, "a", amount
		a.Approved = min(a.Approved, amount)
	})
}

func sale(attempts ...payment.Attempt) payment.Sale {
	return payment.Sale{Client: "till", ID: "s", Amount: 1000, Currency: "CNY", Attempts: attempts}
}

func took(number string, amount payment.Cents) bill.Row {
	return bill.Row{Order: number, Kind: bill.Took, Amount: amount, Currency: "CNY", Status: "交易", At: noon}
}

func gave(number, as string, amount payment.Cents) bill.Row {
	return bill.Row{Order: number, Refund: as, Kind: bill.Gave, Amount: amount, Currency: "CNY", Status: "退款", At: noon}
}

func dayBill(rows ...bill.Row) bill.Bill {
	for i := range rows {
		rows[i].Line = i + 6
	}
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, bill.Beijing)
	return bill.Bill{Provider: "alipay", From: day, Until: day.AddDate(0, 0, 1), Rows: rows}
}

func foundPaid(refunded payment.Cents) func(*payment.Attempt) {
	return func(a *payment.Attempt) {
		a.Found, a.Refunded = &payment.Order{By: "b", Reason: "r", Amount: 1000}, refunded
	}
}

func ordered(r payment.Attempt) payment.Attempt {
	r.Ordered = &payment.Order{By: "b", Reason: "r"}
	return r
}

func at(when time.Time) func(*payment.Attempt) {
	return func(a *payment.Attempt) { a.SentAt, a.DecidedAt = when, when.Add(time.Second) }
}

func card(a *payment.Attempt) {
	a.Rail, a.Instrument, a.Numbers = payment.RailCard, "620000******0001", payment.Numbers{Terminal: "T", Batch: "000007", Trace: 12, Order: "J-card"}
}

func TestEachDifferenceIsListedWithWhatToDo(t *testing.T) {
	held, reversed, stuck := payment.ApprovedState, payment.Reversed, payment.Stuck
	for name, c := range map[string]struct {
		sale payment.Sale
		rows []bill.Row
		want string // "list attempt act verb as amount", in order, by semicolons
	}{
		"the same": {sale(attempt("a", held)), []bill.Row{took("J-a", 1000)}, ""},
		"the same, with a refund": {
			sale(attempt("a", held, func(a *payment.Attempt) { a.Refunded = 400 }), refund("r", held, 400)),
			[]bill.Row{took("J-a", 1000), gave("J-a", "J-r", 400)},
			"",
		},
		"reversed here and there":                {sale(attempt("a", reversed)), []bill.Row{took("J-a", 1000), gave("J-a", "J-a", 1000)}, ""},
		"reversed by a refund with a number":     {sale(attempt("a", reversed)), []bill.Row{took("J-a", 1000), gave("J-a", "J-aR", 1000)}, ""},
		"taken back the day after":               {sale(attempt("a", reversed)), []bill.Row{gave("J-a", "J-a", 1000)}, ""},
		"revoked":                                {sale(attempt("a", reversed)), []bill.Row{took("J-a", 1000), {Order: "J-a", Kind: bill.Revoked, Amount: 1000, Currency: "CNY", At: noon}}, ""},
		"nothing anywhere":                       {sale(attempt("a", payment.DeclinedState)), nil, ""},
		"reversed here, paid there":              {sale(attempt("a", reversed)), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a refund refund  1000"},
		"declined here, paid there":              {sale(attempt("a", payment.DeclinedState)), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a refund refund  1000"},
		"settled as not paid, paid there":        {sale(attempt("a", payment.SettledNotPaid)), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a refund refund  1000"},
		"more there than was asked for":          {sale(attempt("a", reversed)), []bill.Row{took("J-a", 2000)}, "paid_there_unpaid_here a none"},
		"still reversing, paid there":            {sale(attempt("a", payment.Reversing)), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a none"},
		"still reversing, nothing there":         {sale(attempt("a", payment.Reversing)), nil, "open_here a none"},
		"still reversing, taken back there":      {sale(attempt("a", payment.Reversing)), []bill.Row{took("J-a", 1000), gave("J-a", "J-a", 1000)}, "open_here a none"},
		"still asked for, nothing there":         {sale(attempt("a", payment.Sent)), nil, "open_here a none"},
		"another day's that is still reversing":  {sale(attempt("a", payment.Reversing, at(noon.AddDate(0, 0, -1)))), nil, ""},
		"stuck, paid there":                      {sale(attempt("a", stuck)), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a settle settle paid 0"},
		"stuck, a part paid there":               {sale(attempt("a", stuck)), []bill.Row{took("J-a", 600)}, "paid_there_unpaid_here a settle settle paid 600"},
		"stuck, taken back there":                {sale(attempt("a", stuck)), []bill.Row{took("J-a", 1000), gave("J-a", "J-a", 1000)}, "paid_here_missing_there a settle settle not-paid 0"},
		"stuck, unknown there":                   {sale(attempt("a", stuck)), nil, "paid_here_missing_there a settle settle not-paid 0"},
		"approved, unknown there":                {sale(attempt("a", held)), nil, "paid_here_missing_there a none"},
		"approved, given back there":             {sale(attempt("a", held)), []bill.Row{took("J-a", 1000), gave("J-a", "X", 1000)}, "paid_here_missing_there a none"},
		"another amount":                         {sale(attempt("a", held)), []bill.Row{took("J-a", 999)}, "amount_differs a none"},
		"another currency":                       {sale(attempt("a", held)), []bill.Row{{Order: "J-a", Kind: bill.Took, Amount: 1000, Currency: "USD", At: noon}}, "amount_differs a none"},
		"a refund that was refused, done there":  {sale(attempt("a", held), refund("r", payment.DeclinedState, 400)), []bill.Row{took("J-a", 1000), gave("J-a", "J-r", 400)}, "paid_there_unpaid_here r none"},
		"a refund that is stuck, done there":     {sale(attempt("a", held), refund("r", stuck, 400)), []bill.Row{took("J-a", 1000), gave("J-a", "J-r", 400)}, "paid_there_unpaid_here r settle settle paid 0"},
		"a refund that is stuck, not done there": {sale(attempt("a", held), refund("r", stuck, 400)), []bill.Row{took("J-a", 1000)}, "paid_here_missing_there r settle settle not-paid 0"},
		"a refund, unknown there":                {sale(attempt("a", held), refund("r", held, 400)), []bill.Row{took("J-a", 1000)}, "paid_here_missing_there r none"},
		"found and given back":                   {sale(attempt("a", reversed, foundPaid(1000)), ordered(refund("r", held, 1000))), []bill.Row{took("J-a", 1000), gave("J-a", "J-r", 1000)}, ""},
		"found, being given back":                {sale(attempt("a", reversed, foundPaid(0)), ordered(refund("r", payment.Sent, 1000))), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a none; open_here r none"},
		"found, its refund refused":              {sale(attempt("a", reversed, foundPaid(0)), ordered(refund("r", payment.DeclinedState, 1000))), []bill.Row{took("J-a", 1000)}, "paid_there_unpaid_here a refund refund  1000"},
		"found, its refund stuck":                {sale(attempt("a", reversed, foundPaid(0)), ordered(refund("r", stuck, 1000))), []bill.Row{took("J-a", 1000), gave("J-a", "J-r", 1000)}, "paid_there_unpaid_here a none; paid_there_unpaid_here r settle settle paid 0"},
		"found, a part of it given back":         {sale(attempt("a", reversed, foundPaid(400)), ordered(refund("r", payment.SettledPaid, 400))), []bill.Row{took("J-a", 1000), gave("J-a", "J-r", 400)}, "paid_there_unpaid_here a none"},
		"found, and back there before its refund is settled": {
			sale(attempt("a", reversed, foundPaid(0)), ordered(refund("r", stuck, 1000))),
			[]bill.Row{took("J-a", 1000), gave("J-a", "J-a", 1000)},
			"paid_there_unpaid_here a none; paid_here_missing_there r settle settle not-paid 0",
		},
		"another day's":                         {sale(attempt("a", held, at(noon.AddDate(0, 0, -1)))), nil, ""},
		"a card's":                              {sale(attempt("a", held, card)), nil, ""},
		"paid twice, one of them reversed here": {sale(attempt("a", reversed), attempt("b", held)), []bill.Row{took("J-a", 1000), took("J-b", 1000)}, "two_paid a refund refund  1000; two_paid b none"},
		"paid twice, one of them stuck":         {sale(attempt("a", stuck), attempt("b", held)), []bill.Row{took("J-a", 1000), took("J-b", 1000)}, "two_paid a settle settle paid 0; two_paid b none"},
		"paid twice, known here":                {sale(attempt("a", held), attempt("b", held)), []bill.Row{took("J-a", 1000), took("J-b", 1000)}, "two_paid a none; two_paid b refund refund  0"},
		"paid twice, the other one by card":     {sale(attempt("a", held, card), attempt("b", reversed)), []bill.Row{took("J-b", 1000)}, "two_paid b refund refund  1000; two_paid a none"},
		"a number that the journal has lost":    {sale(), []bill.Row{took("J-9", 1000)}, "paid_there_unpaid_here  none"},
		"a number of another till":              {sale(), []bill.Row{took("K-9", 1000)}, ""},
	} {
		t.Run(name, func(t *testing.T) { wantTold(t, c.sale, c.rows, c.want) })
	}
}

// wantTold compares a sale with a day's bill. Who is told to act has the command for it, and nobody else has one.
func wantTold(t *testing.T, s payment.Sale, rows []bill.Row, want string) {
	t.Helper()
	in := reconcile.Input{Bill: dayBill(rows...), Name: "bill of alipay", Journal: "J-", Sales: []payment.Sale{s}, Alike: 10 * time.Minute}
	r := reconcile.Compare(in)
	if got := told(r); got != want {
		t.Errorf("rows are %q, want %q\n%+v", got, want, r.Rows)
	}
	for _, row := range r.Rows {
		if (row.Act == reconcile.None) != (row.Order == nil) {
			t.Errorf("%s %s: %q without a command, or none with one", row.List, row.Attempt, row.Act)
		}
	}
	if again := reconcile.Compare(in); !reflect.DeepEqual(r, again) {
		t.Error("a second comparison says something else")
	}
}

func told(r reconcile.Report) string {
	var rows []string
	for _, row := range r.Rows {
		text := fmt.Sprintf("%s %s %s", row.List, row.Attempt, row.Act)
		if o := row.Order; o != nil {
			text += fmt.Sprintf(" %s %s %d", o.Verb, o.As, o.Amount)
		}
		rows = append(rows, text)
	}
	return strings.Join(rows, "; ")
}

func TestWhatIsNearTheEdgeOfABillMayBeInTheNextOne(t *testing.T) {
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, bill.Beijing)
	for name, c := range map[string]struct {
		sent    time.Time
		waiting int
		rows    int
	}{
		"before":      {day.Add(-time.Hour), 0, 0},
		"just before": {day.Add(-time.Minute), 1, 0},
		"in it":       {day.Add(time.Hour), 0, 1},
		"at its end":  {day.AddDate(0, 0, 1).Add(-time.Minute), 1, 0},
		"after":       {day.AddDate(0, 0, 1).Add(time.Hour), 0, 0},
	} {
		r := reconcile.Compare(reconcile.Input{Bill: dayBill(), Journal: "J-", Sales: []payment.Sale{sale(attempt("a", payment.ApprovedState, at(c.sent)))}})
		if r.Waiting != c.waiting || len(r.Rows) != c.rows {
			t.Errorf("%s: %d waiting and %d rows, want %d and %d", name, r.Waiting, len(r.Rows), c.waiting, c.rows)
		}
	}
}

func TestABatchsBillIsHeldAgainstThatBatch(t *testing.T) {
	number := func(trace payment.TraceNumber, batch string) func(*payment.Attempt) {
		return func(a *payment.Attempt) {
			card(a)
			a.Numbers.Trace, a.Numbers.Batch = trace, batch
		}
	}
	row := func(trace string, kind bill.Kind) bill.Row {
		return bill.Row{Terminal: "T", Batch: "000007", Trace: trace, Kind: kind, Amount: 1000, Currency: "CNY", Status: "sale booked"}
	}
	s := sale(attempt("a", payment.ApprovedState, number(1, "000007")))
	lost := sale(attempt("b", payment.ApprovedState, number(2, "000007")), attempt("c", payment.ApprovedState, number(2, "000008")))
	swallowed := sale(attempt("d", payment.Reversed, number(3, "000007")))
	b := bill.Bill{Provider: bill.Acquirer, Rows: []bill.Row{row("000001", bill.Took), row("000003", bill.Took), row("000004", bill.Revoked), row("000009", bill.Took)}}
	r := reconcile.Compare(reconcile.Input{Bill: b, Sales: []payment.Sale{s, lost, swallowed}})
	if got, want := told(r), "paid_there_unpaid_here d refund refund  1000; paid_there_unpaid_here  none; paid_here_missing_there b none"; got != want || r.Same != 1 {
		t.Errorf("rows are %q, want %q; %d the same", got, want, r.Same)
	}
}

// TestWhatACardHostKeptIsFollowedUntilItIsBack: its refund goes by hand, and has no number that a bill could name.
func TestWhatACardHostKeptIsFollowedUntilItIsBack(t *testing.T) {
	kept := func(state payment.State, refunded payment.Cents) payment.Sale {
		r := ordered(refund("r", state, 1000))
		r.Rail, r.Instrument = payment.RailCard, "620000******0001"
		return sale(attempt("a", payment.Reversed, card, foundPaid(refunded)), r)
	}
	charged := bill.Row{Terminal: "T", Batch: "000007", Trace: "000012", Kind: bill.Took, Amount: 1000, Currency: "CNY", Status: "sale booked"}
	back := charged
	back.Kind, back.Status = bill.Revoked, "sale taken back"
	for name, c := range map[string]struct {
		sale payment.Sale
		rows []bill.Row
		want string
	}{
		"asked for":               {kept(payment.Stuck, 0), []bill.Row{charged}, "paid_there_unpaid_here a none"},
		"back":                    {kept(payment.Stuck, 0), []bill.Row{charged, back}, "paid_there_unpaid_here r settle settle paid 0"},
		"back, and settled":       {kept(payment.SettledPaid, 1000), []bill.Row{charged, back}, ""},
		"settled, in an old bill": {kept(payment.SettledPaid, 1000), []bill.Row{charged}, ""},
		"refused by the acquirer": {kept(payment.SettledNotPaid, 0), []bill.Row{charged}, "paid_there_unpaid_here a refund refund  1000"},
	} {
		r := reconcile.Compare(reconcile.Input{Bill: bill.Bill{Provider: bill.Acquirer, Rows: c.rows}, Sales: []payment.Sale{c.sale}})
		if got := told(r); got != c.want {
			t.Errorf("%s: rows are %q, want %q", name, got, c.want)
		}
	}
}

func TestADisputedPaymentIsCompensated(t *testing.T) {
	in := reconcile.Input{Bill: dayBill(took("J-a", 1000)), Journal: "J-", Disputed: []string{"J-a"}, Sales: []payment.Sale{sale(attempt("a", payment.ApprovedState))}}
	if got := told(reconcile.Compare(in)); got != "disputed a compensate refund  0" {
		t.Errorf("rows are %q", got)
	}
	in.Sales[0].Attempts[0].Refunded = 1000
	if got := told(reconcile.Compare(in)); got != "disputed a none" {
		t.Errorf("after its refund: %q", got)
	}
}

func TestLookAlikesOfWhatIsPaidThereAreListedApart(t *testing.T) {
	again := sale(attempt("b", payment.ApprovedState, at(noon.Add(5*time.Minute))))
	again.ID, again.Attempts[0].Sale = "t", "t"
	late := sale(attempt("c", payment.ApprovedState, at(noon.Add(20*time.Minute))))
	late.ID, late.Attempts[0].Sale = "u", "u"
	r := reconcile.Compare(reconcile.Input{
		Bill: dayBill(took("J-a", 1000), took("J-b", 1000), took("J-c", 1000)), Journal: "J-", Alike: 10 * time.Minute,
		Sales: []payment.Sale{sale(attempt("a", payment.Reversed)), again, late},
	})
	if len(r.LookAlikes) != 1 || r.LookAlikes[0].Unclean != "s/a" || r.LookAlikes[0].Approved != "t/b" || len(r.Rows) != 1 {
		t.Errorf("look-alikes are %+v, rows %q", r.LookAlikes, told(r))
	}
}

func TestAPairThatPosdResolvesItselfIsLeftToIt(t *testing.T) {
	in := reconcile.Input{
		Bill: dayBill(took("J-a", 1000), took("J-b", 1000)), Journal: "J-",
		Sales: []payment.Sale{sale(attempt("a", payment.ApprovedState), attempt("b", payment.ApprovedState))},
		Pairs: []payment.Pair{{Client: "till", Sale: "s", First: "a", Second: "b", State: payment.PairUndoing}},
	}
	if got := told(reconcile.Compare(in)); got != "two_paid a none; two_paid b none" {
		t.Errorf("rows are %q", got)
	}
}

func TestABillThatTellsNotOfWhatItIsIsNotClean(t *testing.T) {
	batch := []bill.Row{{Terminal: "X", Batch: "000001", Trace: "000009", Kind: bill.Took, Amount: 1000, Currency: "CNY"}}
	for name, b := range map[string]bill.Bill{
		"a wallet's without rows and day": {Provider: "alipay"},
		"an acquirer's without rows":      {Provider: bill.Acquirer},
		"of another till's terminal":      {Provider: bill.Acquirer, Rows: batch},
	} {
		r := reconcile.Compare(reconcile.Input{Bill: b, Sales: []payment.Sale{sale(attempt("a", payment.ApprovedState, card))}})
		if r.Compared || r.Clean() {
			t.Errorf("a bill %s is compared %v, clean %v, want neither", name, r.Compared, r.Clean())
		}
	}
	day := dayBill()
	if r := reconcile.Compare(reconcile.Input{Bill: day}); !r.Clean() {
		t.Error("a day on which nothing was sold is not clean")
	}
}
