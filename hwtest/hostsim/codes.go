package hostsim

import (
	"fmt"
	"slices"
	"strings"

	"posd/iso8583"
)

// Codes are the host's answers by what they say. What is empty is taken from the dialect's answer table: the first code
// that means the same to the terminal, with the numbers that ISO 8583:1987 and :1993 and UnionPay use preferred.
type Codes struct {
	Approved    string // 00, 000
	Partial     string // approved for less: 10, 002
	Line        string // sign-on, sign-off and echo accepted: as Approved, or 800
	Reversed    string // reversal accepted: as Approved, or 400
	SignOn      string // sign on first, or wrong MAC: A0
	Batch       string // another batch is open: 77
	Repeated    string // the trace number was used before: 94, 913
	Format      string // a field is missing, unknown or wrong: 30, 904
	Terminal    string // unknown terminal: 97, 58, 120
	Merchant    string // unknown merchant: 03, 109
	Unsupported string // no such transaction: 40, 12, 902
	State       string // the original is in no state for this: 12, 902
	NoOriginal  string // a void, refund or completion of what the host does not have: 25, 914
	Amount      string // not the original's amount: 64, 13, 110
	Funds       string // the card has too little: 51, 116
	System      string // the host cannot go on: 96, 909

	// To reversals, in which hosts differ.
	NotFound string // no such original: 25, 914. Some hosts answer 00, to stop the terminal from asking
	Already  string // reversed before: 25, 914. Some hosts answer 00
	Failed   string // the original was declined: 01, 914
	OtherDay string // with Options.SameDay, the original is of another day: 25, 914. To voids as well

	// To a settlement, where the dialect says it by code.
	Balanced   string // as Approved, or 500
	Unbalanced string // 95, 501; as Approved where a field says it
}

// What answer codes are made of.
const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// means tells whether a code means the right thing to the terminal.
type means func(d *iso8583.Dialect, code string) bool

func is(want iso8583.Action) means {
	return func(d *iso8583.Dialect, code string) bool { return d.Action(code).Action == want }
}

// signsOn tells whether a code makes the terminal sign on, after a request or at least after a reversal.
func signsOn(d *iso8583.Dialect, code string) bool {
	return d.Action(code).Action == iso8583.ActionSignOn || d.ReversalAction(code) == iso8583.ReversalSignOn
}

// refuses tells whether a code says no, and nothing besides.
func refuses(d *iso8583.Dialect, code string) bool {
	switch d.Action(code).Action {
	case iso8583.ActionApprove, iso8583.ActionPartial, iso8583.ActionUnknown, iso8583.ActionSignOn, iso8583.ActionDuplicate:
		return false
	default:
		return true
	}
}

// undoes tells whether a code means that to the one who reverses.
func undoes(want iso8583.ReversalAction) means {
	return func(d *iso8583.Dialect, code string) bool { return d.ReversalAction(code) == want }
}

func whatever(*iso8583.Dialect, string) bool { return true }

// codeRule is how one code is found.
type codeRule struct {
	name  string // on the command line
	code  *string
	means means
	like  string // preferred codes, in order
}

func (c *Codes) rules() []codeRule {
	approve, doubt := is(iso8583.ActionApprove), undoes(iso8583.ReversalInDoubt)
	return []codeRule{
		{"approved", &c.Approved, approve, ""},
		{"partial", &c.Partial, is(iso8583.ActionPartial), "10 002"},
		{"line", &c.Line, approve, "800"},
		{"reversed", &c.Reversed, whatever, ""}, // set apart: the dialect says it elsewhere
		{"sign-on", &c.SignOn, signsOn, "A0 99 63 916 77"},
		{"batch", &c.Batch, signsOn, "77"},
		{"repeated", &c.Repeated, is(iso8583.ActionDuplicate), "94 913"},
		{"format", &c.Format, refuses, "30 904"},
		{"terminal", &c.Terminal, refuses, "89 97 58 120"},
		{"merchant", &c.Merchant, refuses, "03 109"},
		{"unsupported", &c.Unsupported, refuses, "40 12 902"},
		{"state", &c.State, refuses, "12 902"},
		{"no-original", &c.NoOriginal, refuses, "25 914"},
		{"amount", &c.Amount, refuses, "64 13 110"},
		{"funds", &c.Funds, refuses, "51 116"},
		{"system", &c.System, refuses, "96 909"},
		{"not-found", &c.NotFound, doubt, "25 914"},
		{"already", &c.Already, doubt, "25 914"},
		{"failed", &c.Failed, undoes(iso8583.ReversalRefused), "01 914"},
		{"other-day", &c.OtherDay, doubt, "25 914"},
		{"balanced", &c.Balanced, whatever, ""},
		{"unbalanced", &c.Unbalanced, whatever, ""},
	}
}

// CodeNames lists the names that Set knows.
func CodeNames() []string {
	var names []string
	for _, r := range new(Codes).rules() {
		names = append(names, r.name)
	}
	return names
}

// Set gives the answer of that name ("not-found") another code. New checks the code.
func (c *Codes) Set(name, code string) error {
	for _, r := range c.rules() {
		if r.name == name {
			*r.code = code
			return nil
		}
	}
	return fmt.Errorf("the host has no answer %q; there are: %s", name, strings.Join(CodeNames(), " "))
}

// complete fills the empty codes from the dialect and checks the others.
func (c *Codes) complete(d *iso8583.Dialect) error {
	table := codesOf(d)
	if len(table) == 0 {
		return fmt.Errorf("dialect %s has no answer code that approves", d.Name())
	}
	size := len(table[0])
	rules := c.rules()
	for _, r := range rules {
		if *r.code == "" {
			continue
		}
		if err := checkCode(d, r.name, *r.code, size); err != nil {
			return err
		}
	}
	for _, r := range rules {
		if *r.code == "" {
			*r.code = r.find(d, table)
		}
	}
	c.Reversed = orElse(c.Reversed, reversedCode(d, table, c.Approved))
	balanced, unbalanced := settlementCodes(d, size)
	c.Balanced, c.Unbalanced = orElse(c.Balanced, orElse(balanced, c.Approved)), orElse(c.Unbalanced, orElse(unbalanced, c.Approved))
	for _, r := range rules {
		if *r.code == "" {
			return fmt.Errorf("dialect %s has codes of %d characters: say which one means %s", d.Name(), size, r.name)
		}
	}
	return nil
}

// checkCode refuses what is no answer code of the dialect.
func checkCode(d *iso8583.Dialect, name, code string, size int) error {
	if len(code) != size || strings.Trim(code, digits+letters) != "" {
		return fmt.Errorf("%s = %q: the answer codes of dialect %s have %d digits or capital letters", name, code, d.Name(), size)
	}
	return nil
}

// codesOf lists the codes that are in the dialect's answer table, or mean something to a reversal, by trying all. All
// have the length of the shortest one that approves; the list is empty where none does.
func codesOf(d *iso8583.Dialect) []string {
	for _, of := range []struct {
		size   int
		digits string
	}{{2, digits + letters}, {3, digits}, {4, digits}} {
		var list []string
		approves := false
		for _, code := range codesOfLength(of.size, of.digits) {
			if listed(d, code) {
				list = append(list, code)
				approves = approves || d.Action(code).Action == iso8583.ActionApprove
			}
		}
		if approves {
			return list
		}
	}
	return nil
}

// listed tells whether the dialect says anything of a code: all others it reads alike.
func listed(d *iso8583.Dialect, code string) bool {
	a, other := d.Action(code), d.Action(strings.Repeat("\x00", len(code)))
	return a.Action != other.Action || a.TextEN != other.TextEN || a.TextZH != other.TextZH ||
		d.ReversalAction(code) != iso8583.ReversalRetry
}

// codesOfLength makes every code of that length.
func codesOfLength(size int, digits string) []string {
	list := []string{""}
	for range size {
		var longer []string
		for _, s := range list {
			for _, c := range digits {
				longer = append(longer, s+string(c))
			}
		}
		list = longer
	}
	return list
}

// find takes the first preferred code that the dialect lists with the right meaning, else the first of its codes that
// has it, else a preferred one of the right length that it does not know; "" when there is none.
func (r codeRule) find(d *iso8583.Dialect, table []string) string {
	preferred := strings.Fields(r.like)
	for _, code := range preferred {
		if slices.Contains(table, code) && r.means(d, code) {
			return code
		}
	}
	if !r.means(d, "\x00") { // else any no will do
		if i := slices.IndexFunc(table, func(code string) bool { return r.means(d, code) }); i >= 0 {
			return table[i]
		}
	}
	for _, code := range preferred {
		if len(code) == len(table[0]) && !slices.Contains(table, code) {
			return code
		}
	}
	return ""
}

// reversedCode is what ends a reversal: the approval if the dialect takes it for final, else the first code that is.
func reversedCode(d *iso8583.Dialect, table []string, approved string) string {
	final := func(code string) bool { return d.ReversalAction(code) == iso8583.ReversalFinal }
	if i := slices.IndexFunc(table, final); i >= 0 && !final(approved) {
		return table[i]
	}
	return approved
}
