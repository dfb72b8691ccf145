package iso8583

import (
	"slices"
	"time"
)

// Dialect is how one acquirer speaks: frame, header, fields, MAC, match key, transactions and answers. It is made by
// Load or Preset, never changes, and may be used by many goroutines.
type Dialect struct {
	name, title string
	frame       frameSpec
	mti         coding
	bitmapText  bool // bitmaps as upper-case hex characters in the coding of the MTI, else binary
	maps        int  // bitmaps there can be
	thirdLater  bool // the third stands where field 65 would, else after the second
	base        table
	byMTI       []ownTable              // for messages that write some fields in another way
	subs        map[string]map[int]*sub // what is inside of fields; by MTI, "" for every other one
	mac         MACRule
	declineMAC  bool
	match       []int
	equal       []int
	equalPaid   []int
	roles       map[string]role
	reasons     map[string]string
	transaction map[string]*transaction
	answers     map[string]Answer
	undo        map[string]ReversalAction
	settlement  settlement
	inFlight    time.Duration
}

// table holds the field specifications of a message by number; nil where the dialect has no such field.
type table [MaxField + 1]*fieldSpec

// ownTable is the whole table of one MTI, so that a message looks its fields up once.
type ownTable struct {
	mti    string
	key    mtiKey
	fields *table
}

// coding is how digits or characters of a message's head are written.
type coding uint8

const (
	codingBCD coding = iota
	codingASCII
	codingEBCDIC
)

var codings = map[string]coding{"bcd": codingBCD, "ascii": codingASCII, "ebcdic": codingEBCDIC}

// String is the word for people.
func (c coding) String() string { return [...]string{"BCD", "ASCII", "EBCDIC"}[c] }

// size is how many bytes an MTI takes.
func (c coding) size() int {
	if c == codingBCD {
		return 2
	}
	return 4
}

// role is a field, some characters of it, or a part of it, that means something to the payment.
type role struct {
	field    int
	from, to int    // characters, half open; 0, 0 is the whole field
	path     string // of a part; "" for a field
}

// Name is what the dialect calls itself.
func (d *Dialect) Name() string { return d.name }

// Title is one line for people.
func (d *Dialect) Title() string { return d.title }

// MACRule is the dialect's MAC rule.
func (d *Dialect) MACRule() MACRule { return d.mac }

// DeclineNeedsMAC tells whether a decline without MAC cannot be believed.
func (d *Dialect) DeclineNeedsMAC() bool { return d.declineMAC }

// InFlightMax is how long a request may still be under way to the host: a reversal in doubt is asked again after it.
func (d *Dialect) InFlightMax() time.Duration { return d.inFlight }

// fields is the table for messages of that MTI.
func (d *Dialect) fields(mti string) *table {
	key, _ := mtiKeyOf(mti)
	return d.table(key)
}

func (d *Dialect) table(key mtiKey) *table {
	for i := range d.byMTI {
		if d.byMTI[i].key == key {
			return d.byMTI[i].fields
		}
	}
	return &d.base
}

func (d *Dialect) spec(mti string, field int) *fieldSpec {
	if !valid(field) {
		return nil
	}
	return d.fields(mti)[field]
}

// MatchKey is equal for a request and its answer and for nothing else in flight: class and function of the MTI,
// terminal, trace number. A late 0210 never has the key of a 0400 or 0410, though their trace numbers are the same:
// keys by field 11 alone are a known fault of other implementations.
func (d *Dialect) MatchKey(m *Message) string {
	if len(m.MTI) != 4 {
		return ""
	}
	key := []byte{m.MTI[0], m.MTI[1], m.MTI[2] &^ 1} // request 0x00 and answer 0x10, advice 0x20 and its answer 0x30
	for _, n := range d.match {
		key = append(key, '|')
		key = append(key, trimmed(m.Bytes(n))...)
	}
	return string(key)
}

// Role gives what a field of m means by its role, whatever its number in this dialect: code, amount, currency, trace,
// terminal, merchant, rrn, approval, balance, batch, keys, time (HHMMSS), date (MMDD). It is "" where the message or the
// dialect has none. Keys come as bytes: RoleBytes.
func (d *Dialect) Role(m *Message, role string) string { return string(d.RoleBytes(m, role)) }

// RoleBytes is Role for values that are bytes (keys). The slice is valid until m changes.
func (d *Dialect) RoleBytes(m *Message, role string) []byte {
	r, ok := d.roles[role]
	if !ok {
		return nil
	}
	return d.roleBytes(m, r)
}

func (d *Dialect) roleBytes(m *Message, r role) []byte {
	if r.path != "" {
		text, _ := d.Part(m, r.path)
		v, _ := parseValue(text)
		return v
	}
	v := m.Bytes(r.field)
	if r.to == 0 {
		return v
	}
	if len(v) < r.to {
		return nil
	}
	return v[r.from:r.to]
}

// RoleField is the field of a role, or the field that holds its part, 0 where the dialect has none. A host needs it to
// write what Role reads.
func (d *Dialect) RoleField(role string) int { return d.roles[role].field }

// RolePath is the path of a role that is a part of a field, for SetPart; "" where it is a field or characters of one.
func (d *Dialect) RolePath(role string) string { return d.roles[role].path }

// Differs lists the fields in which an answer is not the answer to req: those that must always be equal, and for an
// approval those that must be equal then (the amount apart when the approval is partial). A field that req has and
// reply lacks differs. An MTI that does not answer req's is given as field 0.
func (d *Dialect) Differs(req, reply *Message) []int {
	var list []int
	if !answers(req.MTI, reply.MTI) {
		list = append(list, 0)
	}
	must := d.equal
	action := d.Action(d.Role(reply, "code")).Action
	if action == ActionApprove || action == ActionPartial {
		must = slices.Concat(must, d.equalPaid)
	}
	for _, n := range must {
		if action == ActionPartial && n == d.roles["amount"].field {
			continue
		}
		if req.Has(n) && string(trimmed(req.Bytes(n))) != string(trimmed(reply.Bytes(n))) {
			list = append(list, n)
		}
	}
	return list
}

// answers tells whether reply is the MTI that answers req: function 0 by 1, 2 by 3; a repeat by the plain answer.
func answers(req, reply string) bool {
	return len(req) == 4 && len(reply) == 4 && req[:2] == reply[:2] && reply[2] == req[2]|1 && req[2]&1 == 0
}

// trimmed takes away the spaces that fill a fixed text field.
func trimmed(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}
