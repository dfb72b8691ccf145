package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// call is one request on its way through, and who makes it.
type call struct {
	w   http.ResponseWriter
	r   *http.Request
	who Token
}

// place is where the same caller finds a thing of a client's again. Who has named the client does so then, too: others may have
// one of the same id.
func (c *call) place(path, client string) string {
	if client == c.who.Client && !c.r.URL.Query().Has("client") {
		return path
	}
	return path + "?client=" + url.QueryEscape(client)
}

// route is one thing that can be asked for.
type route struct {
	method, path string
	scope        Scope    // the least that it takes
	query        []string // the parameters it knows
	do           func(*call) error
}

const (
	salePath    = "/v1/sales/{id}"
	attemptPath = "/v1/sales/{id}/attempts/{attempt}"
	batchesPath = "/v1/batches"
	journalPath = "/v1/journal"
	healthPath  = "/v1/health"
)

func (a *API) table() []route {
	client := []string{"client"}
	return []route{
		{http.MethodGet, "/v1/sales", Sell, []string{"limit", "client"}, a.listSales},
		{http.MethodPut, salePath, Sell, client, a.putSale},
		{http.MethodGet, salePath, Sell, client, a.getSale},
		{http.MethodPost, salePath + "/ack", Sell, client, a.ackSale},
		{http.MethodPut, attemptPath, Sell, client, a.putAttempt},
		{http.MethodGet, attemptPath, Sell, client, a.getAttempt},
		{http.MethodPost, attemptPath + "/cancel", Sell, client, a.cancelAttempt},
		{http.MethodPost, attemptPath + "/print", Sell, client, a.printSlip},
		{http.MethodPost, attemptPath + "/settle", Supervisor, client, a.settleAttempt},
		{http.MethodPost, attemptPath + "/refund", Supervisor, client, a.orderRefund},
		{http.MethodPut, printPath, Sell, client, a.putPrint},
		{http.MethodGet, printPath, Sell, client, a.getPrint},
		{http.MethodDelete, printPath, Sell, client, a.deletePrint},
		{http.MethodPost, printPath, Sell, []string{"as", "profile", "columns"}, a.postPrint}, // preview; a path of its own would clash
		{http.MethodPost, "/v1/drawer", Sell, nil, a.openDrawer},
		{http.MethodPost, "/v1/scanner", Sell, nil, a.tellScanner},
		{http.MethodPost, batchesPath + "/close", Sell, nil, a.closeBatch},
		{http.MethodGet, batchesPath, Sell, nil, a.listBatches},
		{http.MethodGet, "/v1/owed", Sell, nil, a.getOwed},
		{http.MethodGet, "/v1/devices", Sell, nil, a.getDevices},
		{http.MethodGet, "/v1/events", Sell, nil, a.getEvents},
		{http.MethodGet, journalPath + "/verify", Supervisor, nil, a.verifyJournal},
		{http.MethodGet, journalPath + "/events", Supervisor, []string{"client", "sale", "attempt", "after", "last", "limit"}, a.getRecords},
		{http.MethodGet, journalPath + "/sales", Supervisor, []string{"since", "after", "limit"}, a.getJournalSales},
		{http.MethodGet, journalPath + "/export", Supervisor, nil, a.exportJournal},
		{http.MethodGet, healthPath, Sell, nil, a.getHealth},
	}
}

func (a *API) routes() *http.ServeMux {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, t := range a.table() {
		methods[t.path] = append(methods[t.path], t.method)
		mux.HandleFunc(t.method+" "+t.path, func(w http.ResponseWriter, r *http.Request) {
			if err := a.take(w, r, t); err != nil {
				a.refuse(w, r, err)
			}
		})
	}
	for path, allowed := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.otherMethod(w, r, allowed) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.refuse(w, r, notFound()) })
	return mux
}

// take checks who asks, and lets the route answer.
func (a *API) take(w http.ResponseWriter, r *http.Request, t route) error {
	if r.Method == http.MethodHead { // the mux takes it for a GET
		return wrongMethod([]string{t.method})
	}
	if t.path == healthPath && r.Header.Get("Authorization") == "" {
		return a.plainHealth(&call{w: w, r: r})
	}
	who, ok := a.identify(r)
	if !ok {
		return &refusal{
			status: http.StatusUnauthorized, code: "unauthorized", detail: "this takes a token that posd knows",
			hint: "send Authorization: Bearer and the text of api.sell_token_file", header: "WWW-Authenticate", headerValue: "Bearer",
		}
	}
	if out, ok := w.(*reply); ok {
		out.client = who.Client
	}
	if t.scope == Supervisor && who.Scope != Supervisor {
		return supervisorOnly("this is for a supervisor")
	}
	for name := range r.URL.Query() {
		if !slices.Contains(t.query, name) {
			return bad("unknown_parameter", "the query has a parameter that is not known here", "known here: "+list(t.query))
		}
	}
	return t.do(&call{w, r, who})
}

func (a *API) otherMethod(w http.ResponseWriter, r *http.Request, allowed []string) {
	if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
		preflight(w)
		return
	}
	a.refuse(w, r, wrongMethod(allowed))
}

func wrongMethod(allowed []string) error {
	return &refusal{
		status: http.StatusMethodNotAllowed, code: "wrong_method", detail: "this path does not know the method",
		hint: "use " + strings.Join(allowed, " or "), header: "Allow", headerValue: strings.Join(allowed, ", "),
	}
}

func supervisorOnly(what string) error {
	return &refusal{status: http.StatusForbidden, code: "supervisor_only", detail: what, hint: "use the supervisor's token (api.supervisor_token_file)"}
}

func bad(code, detail, hint string) error {
	return &refusal{status: http.StatusBadRequest, code: code, detail: detail, hint: hint}
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// whose tells whose sale a request is about: a till's own, or the one that a supervisor means.
func (a *API) whose(c *call, sale string) (string, error) {
	named := c.r.URL.Query().Get("client")
	if c.who.Scope != Supervisor {
		if named != "" && named != c.who.Client {
			return "", supervisorOnly("the sales of another client are for a supervisor")
		}
		return c.who.Client, nil
	}
	if named != "" {
		return named, nil
	}
	clients, err := a.desk.ClientsOf(c.r.Context(), sale)
	if err != nil {
		return "", err
	}
	switch len(clients) {
	case 0:
		return c.who.Client, nil
	case 1:
		return clients[0], nil
	default:
		return "", &refusal{
			status: http.StatusConflict, code: "ambiguous", detail: "several clients have a sale " + sale,
			hint: "add ?client= with one of " + list(clients), clients: clients,
		}
	}
}
