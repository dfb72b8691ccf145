package payment

import "slices"

// pays tells that the customer is charged by it, or will be: it takes money or reserves it.
func (k Kind) pays() bool { return k.captures() || k == KindPreAuth }

// captures tells that it takes money.
func (k Kind) captures() bool { return k == KindSale || k == KindCompletion }

// Captures tells that it takes money.
func (k Kind) Captures() bool { return k.captures() }

// Undoes tells that it gives back what its original has taken or reserved.
func (k Kind) Undoes() bool { return k.undoes() }

// undoes tells that it gives back what its original has taken or reserved.
func (k Kind) undoes() bool { return k == KindVoid || k == KindRefund }

// collects tells that the customer shows a card or a code for it; the others go by what their original holds.
func (k Kind) collects() bool { return k == KindSale || k == KindPreAuth || k == KindBalance }

// mayBePart tells that the other side may say yes to less than was asked for.
func (k Kind) mayBePart() bool { return k == KindSale || k == KindPreAuth }

// paying is pays for a query.
const paying = `kind IN ('sale', 'pre-auth', 'completion')`

// inquires tells that the kind moves no money with a tender: what is not answered did nothing.
func (k Kind) inquires(pol Policy) bool { return k == KindBalance || slices.Contains(pol.Inquiries, k) }

// originals are the kinds that a kind may name as its original.
var originals = map[Kind][]Kind{
	KindVoid:       {KindSale, KindPreAuth, KindCompletion},
	KindRefund:     {KindSale, KindCompletion},
	KindCompletion: {KindPreAuth},
}
