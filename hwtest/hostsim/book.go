package hostsim

// book is the ledger in memory. It is filled by add alone, at run time and when a file is read back.
type book struct {
	entries []Entry
	byTrace map[string][]int // indexes of entries, by terminal and trace number
	spent   map[string]int64 // by card: what is captured or reserved
	opening map[string]int64 // by card: what somebody has set
}

func newBook() *book {
	return &book{byTrace: map[string][]int{}, spent: map[string]int64{}, opening: map[string]int64{}}
}

// add appends an entry and marks what it does to earlier ones.
func (b *book) add(e Entry) {
	chain := b.chain(e)
	b.count(chain, -1)
	if e.Approved && e.Original > 0 {
		b.mark(e)
	}
	b.count(chain, 1)
	i := len(b.entries)
	b.entries = append(b.entries, e)
	b.count([]int{i}, 1)
	if e.Kind == kindAccount {
		b.opening[e.Card] = e.Amount
	}
	key := e.Terminal + "/" + e.Trace
	b.byTrace[key] = append(b.byTrace[key], i)
}

// chain lists the entries behind e: what it names, and what that names in turn. Each lies before the last, so it ends.
func (b *book) chain(e Entry) []int {
	var list []int
	for i := e.Original; i > 0 && i < e.Seq && i <= len(b.entries); i = b.entries[i-1].Original {
		list = append(list, i-1)
	}
	return list
}

// count adds what the entries take of their cards' balances, or takes it off.
func (b *book) count(list []int, sign int64) {
	for _, i := range list {
		if e := &b.entries[i]; e.Card != "" {
			b.spent[e.Card] += sign * (e.Net() + e.Hold())
		}
	}
}

// mark carries out an approved entry that names another.
func (b *book) mark(e Entry) {
	if e.Original > len(b.entries) {
		return
	}
	if e.Kind != KindReversal {
		b.apply(e, 1)
		return
	}
	o := &b.entries[e.Original-1]
	o.Reversed = true
	b.apply(*o, -1)
}

// apply does what e does to the entry that it names. Who voids a completion gives its pre-authorization the money back.
func (b *book) apply(e Entry, sign int64) {
	if e.Original == 0 {
		return
	}
	o := &b.entries[e.Original-1]
	e.does(o, sign)
	if trades[e.Kind].whole && o.Original > 0 {
		o.does(&b.entries[o.Original-1], -sign)
	}
}

// last finds the latest entry of a terminal that fits; with no trace number it looks through all.
func (b *book) last(terminal, trace string, fits func(Entry) bool) (Entry, bool) {
	if trace == "" {
		for i := len(b.entries) - 1; i >= 0; i-- {
			if e := b.entries[i]; e.Terminal == terminal && fits(e) {
				return e, true
			}
		}
		return Entry{}, false
	}
	list := b.byTrace[terminal+"/"+trace]
	for i := len(list) - 1; i >= 0; i-- {
		if e := b.entries[list[i]]; fits(e) {
			return e, true
		}
	}
	return Entry{}, false
}

// payments are the entries about payments.
func (b *book) payments() []Entry {
	var list []Entry
	for _, e := range b.entries {
		if e.payment() {
			list = append(list, e)
		}
	}
	return list
}
