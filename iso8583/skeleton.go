package iso8583

import (
	"errors"
	"time"
)

// Dialect is how one acquirer speaks: frame, header, fields, MAC, match key, transactions and answers. It is made by
// Load or Preset, never changes, and may be used by many goroutines.
type Dialect struct{ name string }

var errNotBuilt = errors.New("not built yet")

// Load reads a dialect from TOML. It reports every fault at once, as joined *DialectError with file, line and key.
func Load(file string, text []byte) (*Dialect, error) { return nil, errNotBuilt }

// Name is what the dialect calls itself.
func (d *Dialect) Name() string { return d.name }

// Pack appends m to dst: TPDU, header, MTI, bitmap and fields, without the length prefix. When m has the MAC field,
// whatever its value, zero bytes are reserved for Sign to fill. A *FieldError says what does not fit.
func (d *Dialect) Pack(dst []byte, m *Message) ([]byte, error) { return nil, errNotBuilt }

// Unpack reads a message without its length prefix and tells how many bytes follow its last field.
// A *FieldError says where it breaks; it never holds content.
func (d *Dialect) Unpack(b []byte) (m *Message, trailing int, err error) { return nil, 0, errNotBuilt }

// AppendFrame appends payload with its length prefix to dst.
func (d *Dialect) AppendFrame(dst, payload []byte) ([]byte, error) { return nil, errNotBuilt }

// SplitFrame is a bufio.SplitFunc that gives payloads without their length prefix.
func (d *Dialect) SplitFrame(data []byte, atEOF bool) (int, []byte, error) {
	return 0, nil, errNotBuilt
}

// Reply gives TPDU and header of the answer to req: TPDU addresses swapped, header as the dialect wants.
func (d *Dialect) Reply(req *Message) (tpdu, header string) { return "", "" }

// MatchKey is equal for a request and its answer and for nothing else in flight: class and function of the MTI,
// terminal, trace number. A late 0210 never has the key of a 0400 or 0410, though their trace numbers are the same.
func (d *Dialect) MatchKey(m *Message) string { return "" }

// Sign fills the MAC of a packed message in place.
func (d *Dialect) Sign(packed []byte, c Cipher) error { return errNotBuilt }

// CheckMAC compares the MAC of a packed message in constant time: nil, ErrNoMAC, ErrBadMAC, a *FieldError when the
// bytes cannot be read, or the cipher's own error.
func (d *Dialect) CheckMAC(packed []byte, c Cipher) error { return errNotBuilt }

// MACRule is the dialect's MAC rule.
func (d *Dialect) MACRule() MACRule { return MACRule{} }

// DeclineNeedsMAC tells whether a decline without MAC cannot be believed.
func (d *Dialect) DeclineNeedsMAC() bool { return false }

// Class says what may be kept of a field. It is Secret when the dialect does not say.
func (d *Dialect) Class(field int, mti string) Class { return Secret }

// Masked gives a message's fields by number as a journal may keep them: public ones as text, masked ones as
// first 6 + last 4, secret ones as "(n bytes)".
func (d *Dialect) Masked(m *Message) map[string]string { return nil }

// Vars gives the values of a template's placeholders; "" for one that it does not know. They may be secret: Build
// copies them into the message and keeps nothing else.
type Vars interface{ Var(name string) string }

// VarMap is Vars as a map.
type VarMap map[string]string

// Var gives the named value.
func (v VarMap) Var(name string) string { return v[name] }

// Build makes the request of a transaction ("sign-on", "echo", "sale", "void", "refund"). A field whose placeholders
// are all empty is left out; one of trace, terminal, merchant, amount, batch or reason that is empty is an error.
func (d *Dialect) Build(name string, v Vars) (*Message, error) { return nil, errNotBuilt }

// BuildReversal makes the reversal of a transaction: its kept fields with the reversal's own over them. The
// placeholder reason takes no_answer, bad_mac or other, and gives the dialect's code.
func (d *Dialect) BuildReversal(name string, v Vars) (*Message, error) { return nil, errNotBuilt }

// Needs lists the placeholders of a transaction's request, sorted.
func (d *Dialect) Needs(name string) []string { return nil }

// ReversalNeeds lists the placeholders of a transaction's reversal, sorted: what must be on disk, and if pan is among
// them sealed, before the request leaves. It is nil where nothing reverses the transaction.
func (d *Dialect) ReversalNeeds(name string) []string { return nil }

// HasTransaction tells whether the dialect has a template of that name.
func (d *Dialect) HasTransaction(name string) bool { return false }

// Role gives what a field of m means by its role, whatever its number in this dialect: code, amount, currency, trace,
// terminal, merchant, rrn, approval, batch, keys, time (HHMMSS), date (MMDD). It is "" where the message or the
// dialect has none. Keys come as bytes: RoleBytes.
func (d *Dialect) Role(m *Message, role string) string { return "" }

// RoleBytes is Role for values that are bytes (keys). The slice is valid until m changes.
func (d *Dialect) RoleBytes(m *Message, role string) []byte { return nil }

// Differs lists the fields in which an answer is not the answer to req: those that must always be equal, and for an
// approval those that must be equal then (the amount apart when the approval is partial). A field that req has and
// reply lacks differs. An MTI that does not answer req's is given as field 0.
func (d *Dialect) Differs(req, reply *Message) []int { return nil }

// Action says what an answer code means for a request. The zero value is the careful one.
type Action int

// The actions.
const (
	ActionUnknown Action = iota // the host does not know itself: reverse
	ActionApprove
	ActionPartial // approved for less
	ActionDecline
	ActionSignOn // declined; sign on before the next request
	ActionRetry  // declined; the customer may try again
)

// Answer is what a code means, in words.
type Answer struct {
	Code           string
	Action         Action
	TextZH, TextEN string
}

// Action says what an answer code means; an unlisted one is a decline.
func (d *Dialect) Action(code string) Answer { return Answer{} }

// ReversalAction says what the answer to a reversal means. The zero value is the careful one.
type ReversalAction int

// The reversal's actions.
const (
	ReversalRetry ReversalAction = iota
	ReversalFinal
	ReversalInDoubt
	ReversalRefused
	ReversalSignOn
)

// ReversalAction says what the answer to a reversal means; an unlisted code is ReversalRetry.
func (d *Dialect) ReversalAction(code string) ReversalAction { return ReversalRetry }

// InFlightMax is how long a request may still be under way to the host: a reversal in doubt is asked again after it.
func (d *Dialect) InFlightMax() time.Duration { return 0 }

// Slot names a key.
type Slot string

// The key slots: master key, MAC key, PIN key, track key.
const (
	TMK Slot = "TMK"
	MAK Slot = "MAK"
	PIK Slot = "PIK"
	TDK Slot = "TDK"
)

// MACRule is how a dialect makes its MAC. The four settings are independent.
type MACRule struct {
	Algorithm string // "unionpay-ecb", "x9.9", "x9.19", "cmac"
	Padding   string // "zero" or "80" (ISO 9797-1 method 1 or 2); cmac pads by itself
	Output    string // "text": first 8 hex characters of the result; "binary": its first 8 bytes
	Field     int    // 64 or 128
	KeyBytes  int    // 8, 16, 24 or 32; 0 for whatever the sign-on brought
}

// Cipher makes MACs where the MAC key lives: in Keys, a PIN pad or an HSM. It gives the whole result (8 bytes for
// DES, 16 for AES); the dialect shortens it.
type Cipher interface {
	MAC(rule MACRule, data []byte) ([]byte, error)
}

// Keys is a software key store for the working keys of one terminal, under its master key. It may be used by many
// goroutines and prints masked.
type Keys struct{}

// NewKeys makes a store with a terminal master key of 8, 16 or 24 bytes, which it copies.
func NewKeys(tmk []byte) (*Keys, error) { return nil, errNotBuilt }

// LoadWorkingKeys takes the key block of a sign-on reply: 24, 40, 60 or 84 bytes of keys under the master key, each
// with its 4-byte check value. A single-length MAC key in a double-length place has a zero half. On any error
// (*KeyError) the old keys are gone too: the host uses them no more.
func (k *Keys) LoadWorkingKeys(block []byte) error { return errNotBuilt }

// Set puts a plain key into a slot; nil empties it.
func (k *Keys) Set(slot Slot, key []byte) error { return errNotBuilt }

// Has tells whether a slot is filled.
func (k *Keys) Has(slot Slot) bool { return false }

// MAC makes a MAC with the MAC key. It fails with ErrNoKey before sign-on.
func (k *Keys) MAC(rule MACRule, data []byte) ([]byte, error) { return nil, errNotBuilt }

// Wipe overwrites every key, the master key included.
func (k *Keys) Wipe() {}

// WrapWorkingKeys makes the key block of a sign-on reply, as a host does: pik, mak and, if not nil, tdk under tmk,
// each in a place of the longest one's length, with check values.
func WrapWorkingKeys(tmk, pik, mak, tdk []byte) ([]byte, error) { return nil, errNotBuilt }

// MACUnionPayECB is the UnionPay terminals' MAC (8 bytes) with zero padding; key of 8 or 16 bytes.
func MACUnionPayECB(key, data []byte) ([]byte, error) { return nil, errNotBuilt }

// MACX99 is ANSI X9.9 (CBC-DES, 8-byte key) with zero padding.
func MACX99(key, data []byte) ([]byte, error) { return nil, errNotBuilt }

// MACX919 is ANSI X9.19 (ISO 9797-1 algorithm 3, 16-byte key) with zero padding; other paddings by MACRule.Compute.
func MACX919(key, data []byte) ([]byte, error) { return nil, errNotBuilt }

// MACCMAC is AES-CMAC (RFC 4493; 16-, 24- or 32-byte key); 16 bytes.
func MACCMAC(key, data []byte) ([]byte, error) { return nil, errNotBuilt }

// Compute makes the whole result of the rule's algorithm and padding.
func (r MACRule) Compute(key, data []byte) ([]byte, error) { return nil, errNotBuilt }

// Line is one row of a technician's view.
type Line struct {
	Field  int
	Name   string
	Value  string
	Length int // characters or bytes of the value
	Note   string
}

// Describe gives a technician's view. Card numbers, tracks and PIN blocks are masked unless reveal.
func (d *Dialect) Describe(m *Message, reveal bool) []Line { return nil }

// JSON gives a message as {"tpdu","header","mti","fields","trailing_bytes"}, masked as Describe.
func (d *Dialect) JSON(m *Message, trailing int, reveal bool) ([]byte, error) { return nil, errNotBuilt }

// ParseJSON reads what JSON wrote with reveal. Keys that it does not know are left aside.
func ParseJSON(text []byte) (*Message, error) { return nil, errNotBuilt }

func hexText(b []byte) string { return "" }
