package acquirer

import (
	"posd/daemon/payment"
	"posd/iso8583"
)

// ISO 8583:1987, field 54: entries of account type, amount type, currency, C or D, and amount.
const (
	balanceEntry     = 20
	balanceAvailable = "02" // the amount type that a customer asks about; 01 is the ledger's
)

// tellBalance approves a balance if the answer tells one.
func (a *Acquirer) tellBalance(reply *iso8583.Message, ans payment.Answer) payment.Answer {
	balance, ok := balanceIn(a.role(reply, "balance"), a.currency)
	if !ok {
		ans.Text = "the answer tells no balance that can be read"
		return ans
	}
	ans.Outcome, ans.Reason, ans.Balance = payment.Approved, "", &balance
	ans.Host = a.host(reply)
	return ans
}

// balanceIn reads the balance of field 54: the available one where the host tells several, else the first. currency is
// the terminal's, three digits; a balance in another one is no answer.
func balanceIn(text, currency string) (payment.Balance, bool) {
	var found string
	for ; len(text) >= balanceEntry; text = text[balanceEntry:] {
		if available := text[2:4] == balanceAvailable; available || found == "" {
			if found = text[:balanceEntry]; available {
				break
			}
		}
	}
	if found == "" || found[4:7] != currency {
		return payment.Balance{}, false
	}
	amount, ok := cents(found[8:])
	switch found[7] {
	case 'C':
	case 'D':
		amount = -amount
	default:
		ok = false
	}
	return payment.Balance{Amount: amount, Currency: lettersOf(currency)}, ok
}

func lettersOf(number string) string {
	for letters, n := range currencies {
		if n == number {
			return letters
		}
	}
	return number
}
