package hostsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Action is what a rule makes the host do wrong.
type Action string

// The actions. "Commit" means that the host books what was asked and answers as if nothing were wrong, but for the fault.
const (
	Silent       Action = "silent"        // the request is dropped: nothing is booked, nothing is answered
	CommitSilent Action = "commit-silent" // booked, the answer is lost
	Delay        Action = "delay"         // booked, answered after Delay; the connection waits meanwhile
	Late         Action = "late"          // booked, answered after Delay while others go on; with no Delay just before the terminal's next answer
	Held         Action = "held"          // on its way for Delay, then booked and answered: others overtake it
	Close        Action = "close"         // the connection is closed before anything is booked
	CommitClose  Action = "commit-close"  // booked, then the connection is closed
	HalfFrame    Action = "half-frame"    // booked, half of the answer is sent, then the connection is closed
	BadMAC       Action = "bad-mac"       // booked, the answer's MAC is wrong
	NoMAC        Action = "no-mac"        // booked, the answer has no MAC
	WrongAmount  Action = "wrong-amount"  // booked, the answer tells the amount of Value
	WrongTrace   Action = "wrong-trace"   // booked, the answer has another trace number
	Decline      Action = "decline"       // declined with Code
	ReverseCode  Action = "reverse-code"  // a reversal is answered with Code and changes nothing
	KeyLoss      Action = "key-loss"      // the host forgets the terminal's keys and answers with Code (A0 unless said)
	Partial      Action = "partial"       // approved for Value only, with Code (10 unless said)
	Duplicate    Action = "duplicate"     // booked, answered twice
	Garbage      Action = "garbage"       // booked, the answer is a frame that nobody can read
)

var actions = []Action{
	Silent, CommitSilent, Delay, Late, Held, Close, CommitClose, HalfFrame, BadMAC, NoMAC, WrongAmount, WrongTrace,
	Decline, ReverseCode, KeyLoss, Partial, Duplicate, Garbage,
}

// Actions lists every action, for help texts.
func Actions() []Action { return slices.Clone(actions) }

// Span is a duration that is written as "1.5s" in rule files.
type Span time.Duration

// UnmarshalText reads "1.5s".
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = Span(d)
	return err
}

// MarshalText writes "1.5s".
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// Rule is one fault: what it is about, and what it does. Conditions left empty fit everything; the first rule that fits
// a message decides, and a message is counted by every rule whose conditions it meets.
type Rule struct {
	MTI      string `toml:"mti" json:"mti,omitempty"`
	Kind     string `toml:"kind" json:"kind,omitempty"` // sign-on, echo, sale, void, refund, reversal, sale-reversal, void-reversal
	Terminal string `toml:"terminal" json:"terminal,omitempty"`
	Amount   int64  `toml:"amount" json:"amount,omitempty"`
	Trace    string `toml:"trace" json:"trace,omitempty"`
	Nth      int    `toml:"nth" json:"nth,omitempty"`     // only the nth such message, from 1
	Times    int    `toml:"times" json:"times,omitempty"` // only so many such messages

	Do    Action `toml:"do" json:"do"`
	Delay Span   `toml:"delay" json:"delay,omitzero"`
	Code  string `toml:"code" json:"code,omitempty"`
	Value int64  `toml:"value" json:"value,omitempty"`
}

// check says what is wrong with a rule.
func (r Rule) check() error {
	switch {
	case !slices.Contains(actions, r.Do):
		return fmt.Errorf("do = %q is no action; known are %v", r.Do, actions)
	case (r.Do == Decline || r.Do == ReverseCode) && r.Code == "":
		return fmt.Errorf("do = %q needs a code", r.Do)
	case r.Do == Partial && r.Value <= 0:
		return fmt.Errorf("do = %q needs a value above 0", r.Do)
	case (r.Do == Delay || r.Do == Held) && r.Delay <= 0:
		return fmt.Errorf("do = %q needs a delay", r.Do)
	case r.Nth < 0 || r.Times < 0 || r.Delay < 0:
		return fmt.Errorf("nth, times and delay are not negative")
	}
	return nil
}

// fits tells whether a message meets the conditions, its count apart.
func (r Rule) fits(q *request) bool {
	return (r.MTI == "" || r.MTI == q.mti) &&
		(r.Kind == "" || r.Kind == q.kind() || r.Kind == KindReversal && q.reversal) &&
		(r.Terminal == "" || r.Terminal == q.terminal) &&
		(r.Amount == 0 || r.Amount == q.amount) &&
		(r.Trace == "" || r.Trace == q.trace)
}

// ruleSet counts what its rules have seen. Guarded by the host's mutex.
type ruleSet struct {
	rules []Rule
	seen  []int
}

func newRuleSet(rules []Rule) (*ruleSet, error) {
	for i, r := range rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	return &ruleSet{rules: slices.Clone(rules), seen: make([]int, len(rules))}, nil
}

// pick gives the rule for a message; the zero Rule does nothing.
func (s *ruleSet) pick(q *request) Rule {
	var found Rule
	for i, r := range s.rules {
		if !r.fits(q) {
			continue
		}
		s.seen[i]++
		due := (r.Nth == 0 || s.seen[i] == r.Nth) && (r.Times == 0 || s.seen[i] <= r.Times)
		if due && found.Do == "" {
			found = r
		}
	}
	return found
}

// ReadRules reads a rule file, TOML ([[rule]] tables) or, by its name, JSON ({"rule": [...]}). Keys it does not know are
// errors.
func ReadRules(path string) ([]Rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	parse := ParseRules
	if filepath.Ext(path) == ".json" {
		parse = ParseRulesJSON
	}
	rules, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("read rules %s: %w", path, err)
	}
	return rules, nil
}

// ruleFile is the outer shape of a rule file.
type ruleFile struct {
	Rule []Rule `toml:"rule" json:"rule"`
}

// ParseRules reads rules written in TOML.
func ParseRules(text []byte) ([]Rule, error) {
	var f ruleFile
	meta, err := toml.Decode(string(text), &f)
	if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		keys := make([]string, len(unknown))
		for i, k := range unknown {
			keys[i] = k.String()
		}
		return nil, fmt.Errorf("unknown keys: %s", strings.Join(keys, ", "))
	}
	_, err = newRuleSet(f.Rule)
	return f.Rule, err
}

// ParseRulesJSON reads rules written in JSON.
func ParseRulesJSON(text []byte) ([]Rule, error) {
	var f ruleFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	_, err := newRuleSet(f.Rule)
	return f.Rule, err
}
