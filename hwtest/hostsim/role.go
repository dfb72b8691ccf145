package hostsim

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"posd/iso8583"
)

// roles are the paths at which the host writes into its answers, by role; "" where the dialect has none.
type roles struct {
	path  map[string]string
	clock map[int]string // by field: how it tells the time of day, or the date, as time.Format wants it
}

// pathOf is the path of a role: a field or a part of one.
func pathOf(d *iso8583.Dialect, role string) string {
	if path := d.RolePath(role); path != "" || d.RoleField(role) == 0 {
		return path
	}
	return number(d.RoleField(role))
}

func rolesOf(d *iso8583.Dialect) roles {
	r := roles{path: map[string]string{}, clock: map[int]string{}}
	for _, role := range []string{"amount", "trace", "rrn", "approval", "code", "keys", "currency", "terminal", "merchant", "balance"} {
		r.path[role] = pathOf(d, role)
	}
	for _, role := range []string{"time", "date"} {
		if form := stampOf(d, d.RoleField(role)); form != "" {
			r.clock[d.RoleField(role)] = form
		}
	}
	if r.path["balance"] == "" {
		r.path["balance"] = fieldBalance
	}
	return r
}

// fieldBalance holds balances in every version of ISO 8583.
const fieldBalance = "54"

// stamps are the forms in which a field may tell time and date (ISO 8583: fields 7, 12 and 13).
var stamps = []string{"150405", "0102", "060102150405", "0102150405", "20060102150405", "060102", "20060102"}

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
		if m.Has(field) {
			return form
		}
	}
	return ""
}

// setPath puts a text, or "hex:.." for bytes, at a path.
func setPath(d *iso8583.Dialect, m *iso8583.Message, path, text string) error {
	if field, err := strconv.Atoi(path); err == nil {
		m.Set(field, text)
		return nil
	}
	return d.SetPart(m, path, text)
}

// write is setPath for an answer; "" is no path. What the dialect does not take is logged, and left out.
func (h *Host) write(m *iso8583.Message, path, text string) {
	if path == "" {
		return
	}
	if err := setPath(h.dialect, m, path, text); err != nil {
		h.log.Warn("the dialect takes no such answer", "err", err)
	}
}

// put writes what a role means.
func (h *Host) put(m *iso8583.Message, role, text string) { h.write(m, h.roles.path[role], text) }

// putBytes writes bytes.
func (h *Host) putBytes(m *iso8583.Message, role string, b []byte) {
	if field, err := strconv.Atoi(h.roles.path[role]); err == nil {
		m.SetBytes(field, b)
		return
	}
	h.put(m, role, "hex:"+hex.EncodeToString(b))
}

// set writes at a place of a path, if what stands there reaches so far.
func (h *Host) set(m *iso8583.Message, at place, text string) {
	c, _ := spell(h.dialect, m)
	if is := c[at.path]; len(is) >= at.off+at.n && len(text) == at.n {
		h.write(m, at.path, is[:at.off]+text+is[at.off+at.n:])
	}
}

// FieldLength is how many characters the field of a role ("terminal") has in a dialect, 0 where it has none or of any
// length.
func FieldLength(d *iso8583.Dialect, role string) int {
	field := d.RoleField(role)
	if field == 0 || d.RolePath(role) != "" {
		return 0
	}
	m := &iso8583.Message{MTI: "0200"}
	m.Set(field, "1")
	packed, err := d.Pack(nil, m)
	if err != nil {
		return 0
	}
	if m, _, err = d.Unpack(packed); err != nil || len(m.Text(field)) < 2 {
		return 0
	}
	return len(m.Text(field))
}

// trimmed is the value of a role without what fills it.
func trimmed(d *iso8583.Dialect, m *iso8583.Message, role string) string {
	return strings.TrimRight(d.Role(m, role), " ")
}
