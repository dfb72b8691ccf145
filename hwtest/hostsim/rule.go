package hostsim

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/iso8583"
)

// Action is what a rule makes the host do wrong.
type Action string

// The actions. "Booked" means that the host does what was asked and answers as if nothing were wrong, but for the fault.
const (
	Silent        Action = "silent"         // the request is dropped: nothing is booked, nothing is answered
	CommitSilent  Action = "commit-silent"  // booked, the answer is lost
	Delay         Action = "delay"          // booked, answered after Delay; the connection waits meanwhile
	Late          Action = "late"           // booked, answered after Delay while others go on; with no Delay just before the terminal's next answer
	Held          Action = "held"           // on its way for Delay, then booked and answered: others overtake it
	Close         Action = "close"          // the connection is closed before anything is booked
	CommitClose   Action = "commit-close"   // booked, then the connection is closed
	HalfFrame     Action = "half-frame"     // booked, half of the answer is sent, then the connection is closed
	Reset         Action = "reset"          // booked, half of the answer is sent, then the connection is reset (TCP RST)
	Cut           Action = "cut"            // booked, half of the answer is sent, and the connection goes on as if that were all
	Duplicate     Action = "duplicate"      // booked, answered twice
	Glued         Action = "glued"          // booked, answered twice in one write
	Slow          Action = "slow"           // booked, answered byte by byte
	Poll          Action = "poll"           // booked, a keep-alive frame comes before the answer
	Garbage       Action = "garbage"        // booked, the answer is a frame that nobody can read
	BadMAC        Action = "bad-mac"        // booked, the answer's MAC is wrong
	NoMAC         Action = "no-mac"         // booked, the answer has no MAC
	WrongAmount   Action = "wrong-amount"   // booked, the answer tells the amount of Value
	WrongTrace    Action = "wrong-trace"    // booked, the answer has another trace number
	Ask           Action = "ask"            // booked, the answer's header asks the terminal for Code: one digit
	KeyChange     Action = "key-change"     // booked, the answer's header asks for a sign-on, and the old keys are good no more
	KeyLoss       Action = "key-loss"       // not booked: the host forgets the terminal's keys and answers with Code (sign on first unless said)
	BatchMismatch Action = "batch-mismatch" // not booked: the host has opened another batch and says so (UnionPay: 77)
	Decline       Action = "decline"        // declined with Code
	Partial       Action = "partial"        // approved for Value only, with Code (approved in part unless said)
	Forget        Action = "forget"         // approved, and not booked
	ReverseCode   Action = "reverse-code"   // a reversal is answered with Code and changes nothing
	Unbalanced    Action = "unbalanced"     // a settlement that balances is said not to
)

// actionSpec is an action and what it needs besides.
type actionSpec struct {
	do                 Action
	code, value, delay bool
	help               string
}

var actions = []actionSpec{
	{do: Silent, help: "the request is dropped"},
	{do: CommitSilent, help: "booked, the answer is lost"},
	{do: Delay, delay: true, help: "booked, answered after delay; the connection waits"},
	{do: Late, help: "booked, answered after delay while others go on; no delay: before the next answer"},
	{do: Held, delay: true, help: "on its way for delay, then booked and answered"},
	{do: Close, help: "closed before anything is booked"},
	{do: CommitClose, help: "booked, then closed"},
	{do: HalfFrame, help: "booked, half of the answer, then closed"},
	{do: Reset, help: "booked, half of the answer, then a TCP reset"},
	{do: Cut, help: "booked, half of the answer, and the connection goes on"},
	{do: Duplicate, help: "booked, answered twice"},
	{do: Glued, help: "booked, answered twice in one write"},
	{do: Slow, help: "booked, answered byte by byte"},
	{do: Poll, help: "booked, a keep-alive frame before the answer"},
	{do: Garbage, help: "booked, the answer cannot be read"},
	{do: BadMAC, help: "booked, the answer's MAC is wrong"},
	{do: NoMAC, help: "booked, the answer has no MAC"},
	{do: WrongAmount, help: "booked, the answer tells the amount value"},
	{do: WrongTrace, help: "booked, the answer has another trace number"},
	{do: Ask, code: true, help: "booked, the header asks for code (one digit; 3: sign on)"},
	{do: KeyChange, help: "booked, the header asks for a sign-on; the old keys end"},
	{do: KeyLoss, help: "not booked, the keys are forgotten, answered with code (sign on first)"},
	{do: BatchMismatch, help: "not booked, another batch is open (77)"},
	{do: Decline, code: true, help: "declined with code"},
	{do: Partial, value: true, help: "approved for value, with code (10)"},
	{do: Forget, help: "approved, and not booked"},
	{do: ReverseCode, code: true, help: "a reversal is answered with code and changes nothing"},
	{do: Unbalanced, help: "a settlement is said not to balance"},
}

// Actions lists every action with a line on what it does, for help texts.
func Actions() [][2]string {
	var list [][2]string
	for _, a := range actions {
		list = append(list, [2]string{string(a.do), a.help})
	}
	return list
}

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

// Chance is a probability, 0 to 1. The zero value is no chance but certainty.
type Chance float64

// UnmarshalText reads "0.1".
func (c *Chance) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	*c = Chance(f)
	return err
}

// UnmarshalJSON reads 0.1 and "0.1".
func (c *Chance) UnmarshalJSON(text []byte) error {
	return c.UnmarshalText([]byte(strings.Trim(string(text), `"`)))
}

// MarshalJSON writes 0.1.
func (c Chance) MarshalJSON() ([]byte, error) { return json.Marshal(float64(c)) }

// Rule is one fault: what it is about, and what it does. Conditions left empty fit everything; the first rule that fits
// a message decides, and a message is counted by every rule whose conditions it meets.
type Rule struct {
	MTI      string `toml:"mti" json:"mti,omitempty"`
	Kind     string `toml:"kind" json:"kind,omitempty"` // one of Kinds
	Terminal string `toml:"terminal" json:"terminal,omitempty"`
	Amount   int64  `toml:"amount" json:"amount,omitempty"`
	Trace    string `toml:"trace" json:"trace,omitempty"`
	Nth      int    `toml:"nth" json:"nth,omitempty"`     // only the nth such message, from 1
	Times    int    `toml:"times" json:"times,omitempty"` // only so many such messages
	// Probability makes the rule a matter of luck, the same luck for the same Seed, terminal, batch, type, trace number and
	// how often the message has come, so that a run can be repeated.
	Probability Chance `toml:"probability" json:"probability,omitempty"`
	Seed        int64  `toml:"seed" json:"seed,omitempty"`

	Do    Action `toml:"do" json:"do"`
	Delay Span   `toml:"delay" json:"delay,omitzero"`
	Code  string `toml:"code" json:"code,omitempty"`
	Value int64  `toml:"value" json:"value,omitempty"`

	place string // file and line, for complaints
}

// RuleError says which rule is wrong, where and why.
type RuleError struct {
	Place  string // "rules.toml:12", or "rule 3" where no file is known
	Key    string
	Reason string
}

// Error gives all of it in one line.
func (e *RuleError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Place, e.Key, e.Reason) }

// grounds are what a rule is checked against; the zero value checks what needs no host.
type grounds struct {
	dialect   *iso8583.Dialect
	terminals map[string]*terminal
	codes     Codes
	asks      headerDigit
	seed      int64 // of rules that say none
}

// longestDelay bounds what a rule may wait for.
const longestDelay = 24 * time.Hour

// check says what is wrong with a rule: the key, and why.
func (r Rule) check(g grounds) (key, reason string) {
	i := slices.IndexFunc(actions, func(a actionSpec) bool { return a.do == r.Do })
	switch {
	case i < 0:
		return "do", fmt.Sprintf("%q is no action; there are: %s", r.Do, actionNames())
	case actions[i].code && r.Code == "":
		return "code", fmt.Sprintf("is missing: %s needs it", r.Do)
	case actions[i].value && r.Value <= 0:
		return "value", fmt.Sprintf("is missing, or not above 0: %s needs it", r.Do)
	case actions[i].delay && r.Delay <= 0:
		return "delay", fmt.Sprintf("is missing: %s needs it, such as \"5s\"", r.Do)
	case r.Delay < 0 || r.Delay > Span(longestDelay):
		return "delay", "is not between 0s and 24h"
	case r.Nth < 0:
		return "nth", "is negative; the first message is 1"
	case r.Times < 0:
		return "times", "is negative"
	case r.Amount < 0:
		return "amount", "is negative"
	case r.Value < 0:
		return "value", "is negative"
	case r.Probability < 0 || r.Probability > 1 || math.IsNaN(float64(r.Probability)):
		return "probability", "is not between 0 and 1"
	case r.Kind != "" && !slices.Contains(Kinds(), r.Kind):
		return "kind", fmt.Sprintf("%q is none; there are: %s", r.Kind, strings.Join(Kinds(), " "))
	case r.MTI != "" && (len(r.MTI) != 4 || !allDigits(r.MTI)):
		return "mti", "is not four digits"
	case r.Trace != "" && (len(r.Trace) != 6 || !allDigits(r.Trace)):
		return "trace", "is not six digits"
	}
	return r.checkAgainst(g)
}

// checkAgainst checks what depends on the dialect and the terminals.
func (r Rule) checkAgainst(g grounds) (key, reason string) {
	if g.dialect == nil {
		return "", ""
	}
	name, _ := strings.CutSuffix(r.Kind, "-"+KindReversal)
	switch {
	case r.Terminal != "" && g.terminals[r.Terminal] == nil:
		return "terminal", fmt.Sprintf("%q is none of the host's terminals", r.Terminal)
	case r.Kind != "" && r.Kind != KindReversal && !g.dialect.HasTransaction(name):
		return "kind", fmt.Sprintf("dialect %s has no %s", g.dialect.Name(), name)
	case r.Kind != name && g.dialect.ReversalNeeds(name) == nil:
		return "kind", fmt.Sprintf("in dialect %s nothing reverses a %s", g.dialect.Name(), name)
	case r.Do == Ask && g.asks.position < 0:
		return "do", fmt.Sprintf("the header of dialect %s cannot ask for anything", g.dialect.Name())
	case r.Do == Ask && (len(r.Code) != 1 || !allDigits(r.Code)):
		return "code", "is not one digit"
	case r.Code != "" && r.Do != Ask:
		if err := checkCode(g.dialect, "code", r.Code, len(g.codes.Approved)); err != nil {
			_, reason, _ = strings.Cut(err.Error(), "code = ")
			return "code", reason
		}
	}
	return "", ""
}

func actionNames() string {
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = string(a.do)
	}
	return strings.Join(names, " ")
}

// fits tells whether a message meets the conditions, its count and luck apart.
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
	came  map[string]int // how often a message has come
}

// manyMessages is after how many messages a rule set forgets how often each has come.
const manyMessages = 1 << 16

func newRuleSet(rules []Rule, g grounds) (*ruleSet, error) {
	for i, r := range rules {
		if key, reason := r.check(g); key != "" {
			return nil, &RuleError{Place: orElse(r.place, fmt.Sprintf("rule %d", i+1)), Key: key, Reason: reason}
		}
	}
	s := &ruleSet{rules: slices.Clone(rules), seen: make([]int, len(rules)), came: map[string]int{}}
	for i := range s.rules {
		s.rules[i].Seed = cmp.Or(s.rules[i].Seed, g.seed)
	}
	return s, nil
}

// pick gives the rule for a message; the zero Rule does nothing.
func (s *ruleSet) pick(q *request) Rule {
	var found Rule
	name := strings.Join([]string{q.terminal, q.batch, q.mti, q.trace}, "/")
	if len(s.came) >= manyMessages {
		clear(s.came)
	}
	s.came[name]++
	for i, r := range s.rules {
		if !r.fits(q) || !r.lucky(i, name, s.came[name]) {
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

// lucky draws the lot of the i-th rule for a message.
func (r Rule) lucky(i int, name string, attempt int) bool {
	if r.Probability == 0 {
		return true
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%s/%d", r.Seed, i, name, attempt))
	return float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53) < float64(r.Probability)
}
