package hostsim

import (
	"maps"
	"strconv"
	"strings"

	"posd/iso8583"
)

// itemShape is how the dialect writes one item of a batch upload where a message has several: literal text and values of
// fixed length, learned as the messages are.
type itemShape struct {
	size  int
	at    map[string]place
	kinds map[string]string // the dialect's word for a kind of payment, and the kind
}

// learnItem learns it. The zero itemShape says that the dialect uploads nothing in this way.
func learnItem(p pupil) itemShape {
	base := p.itemText(nil)
	s := itemShape{size: len(base), at: map[string]place{}, kinds: map[string]string{}}
	if base == "" {
		return s
	}
	for hole, v := range p.values {
		if !strings.HasPrefix(hole, holeItem) {
			continue
		}
		if first, last := differ(base, p.itemText(iso8583.VarMap{hole: v[1]})); first >= 0 {
			s.at[hole] = place{off: first, n: last + 1 - first}
		}
	}
	if pan, ok := s.at["item.pan"]; ok { // a longer number begins where zeros stood
		before := pan.off
		for before > 0 && base[before-1] == '0' && !s.taken(before-1) {
			before--
		}
		s.at["item.pan"] = place{off: before, n: pan.off + pan.n - before}
	}
	s.learnKinds(p, base)
	return s
}

// learnKinds learns where an item tells its kind, and the words for it.
func (s itemShape) learnKinds(p pupil, base string) {
	if _, ok := s.at["item.kind"]; !ok {
		return
	}
	words := map[string]string{}
	from, to := len(base), 0
	for name := range trades {
		word := p.itemText(iso8583.VarMap{"item.kind": name})
		if first, last := differ(base, word); len(word) == len(base) && first >= 0 {
			from, to = min(from, first), max(to, last+1)
		}
		words[name] = word
	}
	s.at["item.kind"] = place{off: from, n: to - from}
	for name, word := range words {
		if len(word) == len(base) {
			s.kinds[word[from:to]] = name
		}
	}
}

// taken tells whether a position belongs to another value.
func (s itemShape) taken(i int) bool {
	for _, at := range s.at {
		if i >= at.off && i < at.off+at.n {
			return true
		}
	}
	return false
}

// itemText is one item as the dialect writes it; "" where it does not.
func (p pupil) itemText(but iso8583.VarMap) string {
	vars := p.first()
	maps.Copy(vars, but)
	return p.withItem(vars).Var(holeItems)
}

// read takes a text of several items apart; ok is false when it is not one item after the other.
func (s itemShape) read(text string) (items []Item, ok bool) {
	if s.size == 0 || len(text)%s.size != 0 {
		return nil, false
	}
	for ; text != ""; text = text[s.size:] {
		it, ok := itemOf(func(hole string) string {
			at := s.at[hole]
			return text[at.off : at.off+at.n]
		})
		if !ok {
			return nil, false
		}
		it.Kind = s.kinds[it.Kind]
		items = append(items, it)
	}
	return items, true
}

// itemOf makes an item of its values. The number of its card is masked at once.
func itemOf(get func(hole string) string) (Item, bool) {
	amount, err := strconv.ParseUint(get("item.amount"), 10, 62)
	it := Item{
		Trace: get("item.trace"), Amount: int64(amount), Card: masked(strings.TrimLeft(get("item.pan"), "0")), Kind: get("item.kind"),
	}
	return it, err == nil && len(it.Trace) == 6 && allDigits(it.Trace)
}

// readClose takes what a message tells of the close of a batch.
func (h *Host) readClose(q *request, get func(hole string) string) {
	if !q.closes() {
		return
	}
	c := &Closing{}
	q.close = c
	count := func(hole string) int64 {
		if !q.shape.has(hole) {
			return 0
		}
		n, err := strconv.ParseUint(get(hole), 10, 62)
		if err != nil {
			q.blame(q.shape.at[hole].path, "is no number where "+hole+" stands")
		}
		return int64(n)
	}
	if q.shape.has("debit.amount") {
		c.Told = &Totals{
			DebitCount: int(count("debit.count")), DebitAmount: count("debit.amount"),
			CreditCount: int(count("credit.count")), CreditAmount: count("credit.amount"),
		}
	}
	if q.name == KindUpload {
		h.readItems(q, get)
		if n := int(count(holeNumber)); q.shape.has(holeNumber) && n != len(c.Items) {
			q.blame(q.shape.at[holeNumber].path, "counts other items than there are")
		}
	}
	if q.name == KindBatchEnd && q.shape.has("batch.count") {
		n := int(count("batch.count"))
		c.Count = &n
	}
}

// readItems reads the items of an upload: all of them in one text, or the only one in the message's own fields.
func (h *Host) readItems(q *request, get func(hole string) string) {
	if q.shape.has(holeItems) {
		items, ok := h.item.read(get(holeItems))
		if !ok {
			q.blame(q.shape.at[holeItems].path, "is not one item after the other")
		}
		q.close.Items = items
		return
	}
	it, ok := itemOf(get)
	if !ok {
		q.blame(q.shape.at["item.trace"].path, "is no item of a batch")
	}
	if it.Card == "" {
		it.Card = q.card
	}
	it.Kind = h.item.kinds[it.Kind]
	q.close.Items = []Item{it}
}
