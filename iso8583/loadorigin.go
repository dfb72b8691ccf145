package iso8583

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// origins tells which file has a key: the dialect's own, or one of its bases. Keys are dotted names; those of [[sub]]
// blocks are told by the block's number, since its own blocks come first.
type origins struct {
	own  map[string]bool
	base map[string]string // the preset that has it; the upper one of several
	subs int               // how many blocks the dialect's own file has
}

// note adds the keys of one file; base is the preset's name, "" for the dialect's own. A transaction that it gives is no
// longer that of a lower one.
func (o *origins) note(meta toml.MetaData, base string) {
	if o.own == nil {
		o.own, o.base = map[string]bool{}, map[string]string{}
	}
	for _, key := range meta.Keys() {
		name := strings.Join(key, ".")
		if len(key) == 2 && key[0] == "transaction" {
			o.forget(name)
		}
		if base == "" {
			o.own[name] = true
		} else {
			o.base[name] = base
		}
	}
}

// forget takes a table out of the bases.
func (o *origins) forget(table string) {
	maps.DeleteFunc(o.base, func(key, _ string) bool { return key == table || strings.HasPrefix(key, table+".") })
}

// of gives the preset that has a key, or what is nearest around it; "" for the dialect's own file.
func (o *origins) of(key, base string) string {
	if number, block := blockOf(key); block {
		if number < o.subs {
			return ""
		}
		return base
	}
	for ; key != ""; key = around(key) {
		if name := o.base[key]; o.own[key] || name != "" {
			if o.own[key] {
				return ""
			}
			return name
		}
	}
	return ""
}

// inherits tells whether the dialect's own file leaves a key to its base, or to the field that an override is of.
func (o *origins) inherits(key string) bool {
	if number, block := blockOf(key); block {
		return number >= o.subs
	}
	return !o.own[key]
}

// blockOf reads the number out of "sub[2].parts.1".
func blockOf(key string) (number int, block bool) {
	rest, block := strings.CutPrefix(key, "sub[")
	digits, _, closed := strings.Cut(rest, "]")
	number, err := strconv.Atoi(digits)
	return number, block && closed && err == nil
}

// around is the table that has a key, "" at the top.
func around(key string) string { return key[:max(0, strings.LastIndexByte(key, '.'))] }

// place gives the line of a key in the dialect's own file, and what is to be said of one that it does not have. Where the
// file says nothing of the field, transaction or block either, the line is that of its base.
func (l *loader) place(key string) (line int, note string) {
	base := l.from.of(key, l.raw.Base)
	if base == "" {
		return lineOf(l.lines, key), ""
	}
	for inner := key; strings.Contains(inner, "."); inner = around(inner) {
		if n := l.lines[inner]; n > 0 && l.from.own[inner] {
			return n, " (in the base " + base + ")"
		}
	}
	return l.lines["base"], " (in the base " + base + ")"
}

// dropped takes transactions out that the base has and the acquirer has not.
func (l *loader) dropped(base map[string]transactionFile, meta toml.MetaData) {
	for _, name := range l.raw.DropTransactions {
		_, has := base[name]
		switch {
		case !has:
			l.fault("drop_transactions", "the base has no transaction %q; it has: %s", name, strings.Join(slices.Sorted(maps.Keys(base)), ", "))
		case meta.IsDefined("transaction", name):
			l.fault("drop_transactions", "%q is given in this file, which replaces the base's anyway", name)
		default:
			delete(l.raw.Transaction, name)
		}
	}
}
