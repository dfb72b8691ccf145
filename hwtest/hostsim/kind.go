package hostsim

import "slices"

// The kinds of message: the names that a dialect gives its transactions, and reversal for what undoes one of them.
const (
	KindSale           = "sale"
	KindVoid           = "void"
	KindRefund         = "refund"
	KindPreAuth        = "pre-auth"
	KindPreAuthVoid    = "pre-auth-void"
	KindCompletion     = "completion"
	KindCompletionVoid = "completion-void"
	KindBalance        = "balance"
	KindQRSale         = "qr-sale"
	KindQRVoid         = "qr-void"
	KindQRRefund       = "qr-refund"
	KindReversal       = "reversal"

	KindSignOn     = "sign-on"
	KindSignOff    = "sign-off"
	KindEcho       = "echo"
	KindSettlement = "settlement"
	KindUpload     = "batch-upload"
	KindBatchEnd   = "batch-end"

	// kindAccount is no message: somebody has set the balance of a card.
	kindAccount = "account"
)

// trade is what a kind of payment does with money.
type trade struct {
	moves  int64    // of what it captures: 1 from the customer, -1 back to the customer, 0 nothing
	holds  bool     // it reserves money instead of moving it
	of     []string // the kinds of which it names one; none: it begins a payment
	whole  bool     // it undoes all of what it names
	wallet bool     // it is paid by a wallet's code, not by a card
}

// trades are the payments that the host does.
var trades = map[string]trade{
	KindSale:           {moves: 1},
	KindPreAuth:        {holds: true},
	KindBalance:        {},
	KindCompletion:     {moves: 1, of: []string{KindPreAuth}},
	KindVoid:           {moves: -1, of: []string{KindSale}, whole: true},
	KindPreAuthVoid:    {of: []string{KindPreAuth}, whole: true},
	KindCompletionVoid: {moves: -1, of: []string{KindCompletion}, whole: true},
	KindRefund:         {moves: -1, of: []string{KindSale, KindCompletion}},
	KindQRSale:         {moves: 1, wallet: true},
	KindQRVoid:         {moves: -1, of: []string{KindQRSale}, whole: true},
	KindQRRefund:       {moves: -1, of: []string{KindQRSale}},
}

// transactions are the names that the host looks for in a dialect, in this order.
var transactions = []string{
	KindSignOn, KindSignOff, KindEcho, KindSale, KindVoid, KindRefund, KindPreAuth, KindPreAuthVoid, KindCompletion,
	KindCompletionVoid, KindBalance, KindQRSale, KindQRVoid, KindQRRefund, KindSettlement, KindUpload, KindBatchEnd,
}

// Kinds lists what a rule may name as its kind, for help texts.
func Kinds() []string {
	all := slices.Clone(transactions)
	for _, name := range transactions {
		if _, ok := trades[name]; ok {
			all = append(all, name+"-"+KindReversal)
		}
	}
	return append(all, KindReversal)
}
