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
	Unbalanced string // 95, 501
}

// What answer codes are made of.
const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// means is the action that a code must have for the terminal; free is for those that only must not approve.
type means func(iso8583.Action) bool

func are(want ...iso8583.Action) means {
	return func(a iso8583.Action) bool { return slices.Contains(want, a) }
}

func free(a iso8583.Action) bool {
	return a != iso8583.ActionApprove && a != iso8583.ActionPartial && a != iso8583.ActionUnknown
}

func whatever(iso8583.Action) bool { return true }

// codeRule is how one code is found.
type codeRule struct {
	name  string // on the command line
	code  *string
	means means
	like  string // preferred codes, in order
}

func (c *Codes) rules() []codeRule {
	approve, signOn := are(iso8583.ActionApprove), are(iso8583.ActionSignOn)
	return []codeRule{
		{"approved", &c.Approved, approve, ""},
		{"partial", &c.Partial, are(iso8583.ActionPartial), "10 002"},
		{"line", &c.Line, approve, "800"},
		{"reversed", &c.Reversed, whatever, ""}, // set apart: the dialect says it elsewhere
		{"sign-on", &c.SignOn, signOn, "A0 99 916 77"},
		{"batch", &c.Batch, signOn, "77"},
		{"repeated", &c.Repeated, are(iso8583.ActionDuplicate), "94 913"},
		{"format", &c.Format, free, "30 904"},
		{"terminal", &c.Terminal, free, "97 58 120"},
		{"merchant", &c.Merchant, free, "03 109"},
		{"unsupported", &c.Unsupported, free, "40 12 902"},
		{"state", &c.State, free, "12 902"},
		{"no-original", &c.NoOriginal, free, "25 914"},
		{"amount", &c.Amount, free, "64 13 110"},
		{"funds", &c.Funds, free, "51 116"},
		{"system", &c.System, free, "96 909"},
		{"not-found", &c.NotFound, whatever, "25 914"},
		{"already", &c.Already, whatever, "25 914"},
		{"failed", &c.Failed, whatever, "01 914"},
		{"other-day", &c.OtherDay, whatever, "25 914"},
		{"balanced", &c.Balanced, whatever, ""},
		{"unbalanced", &c.Unbalanced, whatever, "95 501"},
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
	size := len(table[0].code)
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
			*r.code = r.find(d, table, size)
		}
	}
	c.Reversed = orElse(c.Reversed, reversedCode(d, table, c.Approved))
	c.Balanced = orElse(c.Balanced, c.Approved)
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

// listedCode is a code of the dialect that says more than no.
type listedCode struct {
	code   string
	action iso8583.Action
}

// codesOf lists the dialect's codes that are no plain decline, by trying all. All have the length of the shortest one that
// approves; the list is empty where none does.
func codesOf(d *iso8583.Dialect) []listedCode {
	for _, of := range []struct {
		size   int
		digits string
	}{{2, digits + letters}, {3, digits}, {4, digits}} {
		var list []listedCode
		for _, code := range codesOfLength(of.size, of.digits) {
			if a := d.Action(code).Action; a != iso8583.ActionDecline {
				list = append(list, listedCode{code, a})
			}
		}
		if slices.ContainsFunc(list, func(c listedCode) bool { return c.action == iso8583.ActionApprove }) {
			return list
		}
	}
	return nil
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

// find takes a preferred code if the dialect reads it so, else the first of the dialect that it reads so, else a preferred
// one of the right length; "" when there is none.
func (r codeRule) find(d *iso8583.Dialect, table []listedCode, size int) string {
	preferred := strings.Fields(r.like)
	for _, code := range preferred {
		if len(code) == size && r.means(d.Action(code).Action) {
			return code
		}
	}
	for _, c := range table {
		if r.means(c.action) && !r.means(iso8583.ActionDecline) { // else any no will do
			return c.code
		}
	}
	for _, code := range preferred {
		if len(code) == size {
			return code
		}
	}
	return ""
}

// reversedCode is what ends a reversal: the approval if the dialect takes it for final, else the first code that is.
func reversedCode(d *iso8583.Dialect, table []listedCode, approved string) string {
	if d.ReversalAction(approved) == iso8583.ReversalFinal {
		return approved
	}
	for _, code := range codesOfLength(len(table[0].code), digits) {
		if d.ReversalAction(code) == iso8583.ReversalFinal {
			return code
		}
	}
	return approved
}
