package api

import (
	"net/http"
	"regexp"
	"strconv"

	"posd/daemon/payment"
)

// saleInput opens a sale.
type saleInput struct {
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference"`
	After     string `json:"after"`
}

func (*saleInput) names() []string { return []string{"amount", "currency", "reference", "after"} }

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// putSale opens a sale, or gives the one of that id.
func (a *API) putSale(c *call) error {
	var in saleInput
	if err := c.read(&in); err != nil {
		return err
	}
	if !currencyPattern.MatchString(in.Currency) {
		return badField("currency", "is missing, or no currency code", `give three capital letters, as "CNY"`)
	}
	if a.o.Currency != "" && in.Currency != a.o.Currency {
		return badField("currency", "is not the till's, which is "+a.o.Currency, "open the sale in "+a.o.Currency)
	}
	if err := plainText("reference", in.Reference); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	client, err := a.whose(c, id)
	if err != nil {
		return err
	}
	if err := payment.CheckID("client", client); err != nil {
		return err
	}
	n := payment.NewSale{
		Client: client, ID: id, Amount: payment.Cents(in.Amount), Currency: in.Currency,
		Reference: in.Reference, After: in.After,
	}
	status := http.StatusOK
	if _, err := a.desk.Sale(c.r.Context(), client, n.ID); err != nil {
		status = http.StatusCreated // or OpenSale fails as well
	}
	s, err := a.desk.OpenSale(c.r.Context(), n)
	if err != nil {
		return err
	}
	return a.answerSale(c, status, s)
}

func (a *API) getSale(c *call) error {
	s, err := a.sale(c)
	if err != nil {
		return err
	}
	return a.answerSale(c, http.StatusOK, s)
}

func (a *API) sale(c *call) (payment.Sale, error) {
	id := c.r.PathValue("id")
	client, err := a.whose(c, id)
	if err != nil {
		return payment.Sale{}, err
	}
	return a.desk.Sale(c.r.Context(), client, id)
}

// answerSale tells a sale with all its attempts. The till knows their outcomes then.
func (a *API) answerSale(c *call, status int, s payment.Sale) error {
	view := a.viewSale(s)
	for i, at := range s.Attempts {
		view.Attempts[i] = a.fullView(s, at)
	}
	if !a.answer(c, status, view) {
		return nil
	}
	a.told(c, s.Attempts...)
	return nil
}

// ackSale notes that the till knows the outcome of a sale.
func (a *API) ackSale(c *call) error {
	if err := c.readNothing(); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	client, err := a.whose(c, id)
	if err != nil {
		return err
	}
	s, err := a.desk.Ack(c.r.Context(), client, id)
	if err != nil {
		return err
	}
	return a.answerSale(c, http.StatusOK, s)
}

// listSales gives the newest sales: a till's own, or everybody's to a supervisor.
func (a *API) listSales(c *call) error {
	query := c.r.URL.Query()
	limit := listed
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxListed {
			return bad("bad_parameter", "limit is out of range", "give a number from 1 to "+strconv.Itoa(maxListed))
		}
		limit = n
	}
	client := query.Get("client")
	if c.who.Scope != Supervisor {
		if client != "" && client != c.who.Client {
			return supervisorOnly("the sales of another client are for a supervisor")
		}
		client = c.who.Client
	}
	sales, err := a.desk.Sales(c.r.Context(), client, limit)
	if err != nil {
		return err
	}
	out := struct {
		Sales []saleView `json:"sales"`
	}{make([]saleView, len(sales))}
	for i, s := range sales {
		out.Sales[i] = a.viewSale(s)
	}
	if !a.answer(c, http.StatusOK, out) {
		return nil
	}
	for _, s := range sales {
		a.told(c, s.Attempts...)
	}
	return nil
}
