package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

var digits = regexp.MustCompile(`^[0-9]{1,24}$`)

func (c *Config) checkWallet(k Checker) {
	w := &c.Wallet
	k.Within("wallet.code_age", w.CodeAge, time.Second, 10*time.Minute)
	k.Within("wallet.confirm_gap", w.ConfirmGap, 10*time.Millisecond, 10*time.Minute)
	k.Within("wallet.in_flight_max", w.InFlightMax, time.Second, time.Hour)
	k.Between("wallet.suspect_after", w.SuspectAfter, 1, 100)
	names := append(slices.Sorted(maps.Keys(w.Providers)), "unionpay")
	for name, s := range w.Providers {
		in := k.in("wallet." + name)
		s.Common().check(in)
		s.Check(in)
	}
	if w.UnionPay.Enabled && !c.Acquirer.Enabled {
		k.Add("wallet.unionpay.enabled", "its codes travel through the acquirer, which is not enabled", "set acquirer.enabled, or leave it out")
	}
	w.checkRouted(k, names)
	for i, r := range w.Routes {
		at := element("wallet.route", i+1)
		r.check(k.in(at), names)
		for j, other := range w.Routes[:i] {
			if p := r.overlap(other); p != "" {
				k.Add(at+".prefixes", fmt.Sprintf("route %d takes codes that begin with %s too", j+1, p),
					"let each code have one provider")
			}
		}
	}
}

// checkRouted finds wallets that are enabled and get no codes: a shop's routes replace all published formats.
func (w *Wallet) checkRouted(k Checker, names []string) {
	for _, name := range names {
		s, has := w.Providers[name]
		enabled := has && s.Common().Enabled || name == "unionpay" && w.UnionPay.Enabled
		routed := len(w.Routes) == 0 || slices.ContainsFunc(w.Routes, func(r Route) bool { return r.Provider == name })
		if enabled && !routed {
			k.Add("wallet."+name+".enabled", "no route sends codes to it",
				fmt.Sprintf("add a [[wallet.route]] with provider = %q, or leave all routes out for the published formats", name))
		}
	}
}

func (r Route) check(k Checker, names []string) {
	k.Required("provider", r.Provider, either(names))
	k.OneOf("provider", r.Provider, append(names, "")...)
	if len(r.Prefixes) == 0 {
		k.Add("prefixes", "missing", `want a list, such as ["25", "26"]`)
	}
	for i, p := range r.Prefixes {
		if !digits.MatchString(p) {
			k.Add(element("prefixes", i+1), fmt.Sprintf("%q does not fit", p), "want digits")
		}
	}
	n := len(r.Lengths)
	if n < 1 || n > 2 || r.Min() < 8 || r.Max() > 64 || r.Min() > r.Max() {
		k.Add("lengths", "no range of lengths", "want [shortest, longest], from 8 to 64")
	}
}

// Min is the shortest length of a code; 0 if there is none.
func (r Route) Min() int {
	if len(r.Lengths) == 0 {
		return 0
	}
	return r.Lengths[0]
}

// Max is the longest length of a code; 0 if there is none.
func (r Route) Max() int {
	if len(r.Lengths) == 0 {
		return 0
	}
	return r.Lengths[len(r.Lengths)-1]
}

// overlap gives a beginning of codes that both routes take, or "".
func (r Route) overlap(o Route) string {
	if r.Max() < o.Min() || o.Max() < r.Min() {
		return ""
	}
	for _, p := range r.Prefixes {
		for _, q := range o.Prefixes {
			if strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return max(p, q)
			}
		}
	}
	return ""
}
