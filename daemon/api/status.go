package api

import (
	"net/http"

	"posd/daemon/payment"
)

// owedView is what posd or a person still has to do.
type owedView struct {
	Open       []attemptView       `json:"open"`
	Stuck      []attemptView       `json:"stuck"`
	Pairs      []payment.Pair      `json:"pairs"`
	LookAlikes []payment.LookAlike `json:"look_alikes"`      // at most payment.MaxLookAlikes, the oldest first
	MoreAlike  int                 `json:"more_look_alikes"` // look-alikes beyond those
	Found      []attemptView       `json:"found"`            // a bill shows that they took money that is not given back
}

// getOwed lists what is open: a till's own, or everybody's to a supervisor.
func (a *API) getOwed(c *call) error {
	client := c.who.Client
	if c.who.Scope == Supervisor {
		client = ""
	}
	o, err := a.desk.Owed(c.r.Context(), client)
	if err != nil {
		return err
	}
	out := owedView{
		Open: a.viewAttempts(o.Open), Stuck: a.viewAttempts(o.Stuck), Found: a.viewAttempts(o.Found),
		Pairs: orNone(o.Pairs), LookAlikes: orNone(o.LookAlikes), MoreAlike: o.MoreAlike,
	}
	a.answer(c, http.StatusOK, out)
	return nil
}

// orNone is never nil: an empty list is [] in JSON.
func orNone[T any](all []T) []T { return append([]T{}, all...) }

func (a *API) getDevices(c *call) error {
	out := struct {
		Devices []deviceView `json:"devices"`
	}{[]deviceView{}}
	for _, d := range a.o.Devices() {
		out.Devices = append(out.Devices, viewDevice(d))
	}
	a.answer(c, http.StatusOK, out)
	return nil
}

// healthView is how posd stands.
type healthView struct {
	Status   string            `json:"status"` // "ok", "degraded" or "blocked"
	Version  string            `json:"version,omitempty"`
	Problems []payment.Concern `json:"problems,omitempty"`
}

func (a *API) getHealth(c *call) error {
	a.answer(c, http.StatusOK, a.health(c))
	return nil
}

// plainHealth is for who has no token, a service monitor say: one word, and nothing about anybody's sales.
func (a *API) plainHealth(c *call) error {
	a.answer(c, http.StatusOK, healthView{Status: a.health(c).Status})
	return nil
}

func (a *API) health(c *call) healthView {
	h := a.desk.Health(c.r.Context())
	v := healthView{Status: h.Status, Version: a.o.Version, Problems: h.Problems}
	for _, d := range a.o.Devices() {
		if !d.Online {
			v.Problems = append(v.Problems, payment.Concern{Code: "device_offline", Detail: d.Name + ": " + d.Why, Remedy: d.Remedy})
		}
	}
	v.Problems = append(v.Problems, a.o.Concerns(c.r.Context())...)
	if v.Status == "ok" && len(v.Problems) > 0 {
		v.Status = "degraded"
	}
	return v
}
