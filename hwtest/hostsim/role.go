package hostsim

import (
	"time"

	"posd/iso8583"
)

// roles are where the host writes into its answers. A field is 0 where the dialect has none.
type roles struct {
	amount, trace, rrn, approval, code, keys int

	clock map[int]string // by field: how it tells the time of day, or the date, as time.Format wants it
}

// field 54 holds balances, in every version of ISO 8583.
const balances = 54

// stamps are the forms in which a field may tell time and date (ISO 8583: fields 7, 12 and 13).
var stamps = []string{"150405", "0102", "060102150405", "0102150405", "20060102150405", "060102", "20060102"}

func rolesOf(d *iso8583.Dialect) roles {
	f := d.RoleField
	r := roles{
		amount: f("amount"), trace: f("trace"), rrn: f("rrn"), approval: f("approval"), code: f("code"), keys: f("keys"),
		clock: map[int]string{},
	}
	for _, field := range []int{f("time"), f("date")} {
		if form := stampOf(d, field); form != "" {
			r.clock[field] = form
		}
	}
	return r
}

// stampOf finds the form of a field that tells time or date, by trying which one the dialect reads back rightly.
func stampOf(d *iso8583.Dialect, field int) string {
	at := time.Date(2031, 10, 25, 17, 48, 59, 0, time.UTC) // no two parts are alike
	for _, form := range stamps {
		m := &iso8583.Message{MTI: "0210"}
		m.Set(field, at.Format(form))
		for role, want := range map[string]string{"time": "174859", "date": "1025"} {
			if d.RoleField(role) == field && d.Role(m, role) != want {
				m.Unset(field)
			}
		}
		if m.Has(field) && field != 0 {
			return form
		}
	}
	return ""
}

// put writes into a field that the dialect has.
func put(m *iso8583.Message, field int, text string) {
	if field != 0 {
		m.Set(field, text)
	}
}

// FieldLength is how many characters the field of a role ("terminal") has in a dialect, 0 where it has none or of any
// length.
func FieldLength(d *iso8583.Dialect, role string) int {
	m := &iso8583.Message{MTI: "0200"}
	put(m, d.RoleField(role), "1")
	packed, err := d.Pack(nil, m)
	if err != nil {
		return 0
	}
	if m, _, err = d.Unpack(packed); err != nil || len(m.Text(d.RoleField(role))) < 2 {
		return 0
	}
	return len(m.Text(d.RoleField(role)))
}
