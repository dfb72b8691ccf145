package api

import "posd/daemon/payment"

// problems is what the cashier hears of an attempt that is not approved, by kind. It is data, like the slips' wordings, and
// says the same: what takes money that is not known is not paid yet, and where money goes back the payment still stands.
var problems = map[payment.Kind]map[payment.State]problemView{
	payment.KindSale:    ofPayment,
	payment.KindPreAuth: ofPayment,
	payment.KindCompletion: {
		payment.Unsent:        {"not_sent", "the completion could not be asked for; nothing was charged", again},
		payment.Cancelled:     {"cancelled", "the completion was given up before anything was asked for; nothing was charged", again},
		payment.DeclinedState: {"declined", "the completion was refused; nothing was charged, and the pre-auth stands", "complete it with another amount, or void the pre-auth and let the customer pay another way"},
		payment.Reversing:     {"reversing", "not completed yet: the outcome is not known, and posd is taking the completion back", "wait until it is reversed; then complete the pre-auth again"},
		payment.Reversed:      {"reversed", "not completed: what may have been charged goes back the same way", "complete the pre-auth again, with a new attempt"},
		payment.Stuck:         {"needs_attention", "the taking back was not confirmed: the customer may have paid", asks},
	},
	payment.KindVoid: {
		payment.Unsent:        {"not_sent", "the void could not be asked for; the payment stands", again},
		payment.Cancelled:     {"cancelled", "the void was given up before anything was asked for; the payment stands", again},
		payment.DeclinedState: {"declined", "the void was refused; the payment stands", "refund it, with a new attempt, or ask the acquirer or the gateway"},
		payment.Reversing:     {"reversing", "not void yet: the outcome is not known, and posd is taking the void back; the payment stands", "wait until that is done; the customer does not pay again"},
		payment.Reversed:      {"reversed", "not void: the void was taken back, and the payment stands", "void it again, with a new attempt, or refund it; the customer does not pay again"},
		payment.Stuck:         {"needs_attention", "the taking back of the void was not confirmed: the payment may be void", asks},
	},
	payment.KindRefund: {
		payment.Unsent:        {"not_sent", "the refund could not be asked for; nothing was given back", again},
		payment.Cancelled:     {"cancelled", "the refund was given up before anything was asked for; nothing was given back", again},
		payment.DeclinedState: {"declined", "the refund was refused; nothing was given back", "ask the acquirer or the gateway, or give it back another way"},
		payment.Reversing:     {"reversing", "not refunded yet: the outcome is not known, and posd is taking the refund back", "wait until it is reversed; then refund again"},
		payment.Reversed:      {"reversed", "not refunded: what may have been given back was taken back", "refund again, with a new attempt"},
		payment.Stuck:         {"needs_attention", "the refund is not known to be done: the customer may have the money back", asks},
	},
	payment.KindBalance: {
		payment.Unsent:        {"not_sent", "the balance could not be asked for; nothing was charged", again},
		payment.Cancelled:     {"cancelled", "the attempt was given up before anything was asked for; nothing was charged", again},
		payment.DeclinedState: {"declined", "the balance was not told; nothing was charged", "ask again with a new attempt, or go on without it"},
	},
}

// ofPayment is said of what the customer is charged by.
var ofPayment = map[payment.State]problemView{
	payment.Unsent:        {"not_sent", "the payment could not be asked for; nothing was charged", "try again with a new attempt, or take another way to pay"},
	payment.Cancelled:     {"cancelled", "the attempt was given up before anything was asked for; nothing was charged", again},
	payment.DeclinedState: {"declined", "the payment was refused; nothing was charged", "ask for another card, wallet or cash, with a new attempt"},
	payment.Reversing:     {"reversing", "not paid yet: the outcome is not known, and posd is taking the payment back", "wait until it is reversed; the customer pays again then"},
	payment.Reversed:      {"reversed", "not paid: what may have been charged goes back the same way", "the customer may pay again, with a new attempt"},
	payment.Stuck:         {"needs_attention", "the taking back was not confirmed: the customer may have paid", asks},
}

const (
	again = "begin a new attempt"
	asks  = "ask the acquirer or the gateway; a supervisor settles the attempt"
)

func problemIn(a payment.Attempt) *problemView {
	p, ok := problems[a.Kind][a.State]
	if !ok {
		return nil
	}
	if a.State == payment.DeclinedState && (a.Code != "" || a.Text != "") {
		p.Detail += ": " + payment.Words(a.Code, a.Text)
	}
	if a.State == payment.Unsent && a.Text != "" {
		p.Detail += ": " + a.Text
	}
	return &p
}
