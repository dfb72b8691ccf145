package hostsim

import (
	"slices"
	"time"
)

// Batch is the close of a batch as the ledger's entries tell it.
type Batch struct {
	Terminal string    `json:"terminal"`
	Batch    string    `json:"batch"`
	Begun    time.Time `json:"begun"`
	Told     Totals    `json:"told"`     // as the terminal added up
	Own      Totals    `json:"own"`      // as the host did
	Balanced bool      `json:"balanced"` // when the totals were told last
	Items    []Item    `json:"items"`    // what the terminal has uploaded
	Missing  []int     `json:"missing"`  // Seq of what the host has and no item names
	Closed   bool      `json:"closed"`
	Next     string    `json:"next"` // the batch that follows; "" while it is open
}

// Healed tells whether terminal and host agree on a closed batch: they did at once, or the upload named all that the host
// has, and nothing that it could not take.
func (b Batch) Healed() bool {
	wrong := slices.ContainsFunc(b.Items, func(it Item) bool { return it.Wrong != "" && it.Wrong != "taken" })
	return b.Closed && (b.Balanced || !wrong && len(b.Missing) == 0)
}

// batches tells of every batch whose close has begun, in order.
func batches(entries []Entry) []Batch {
	list := []Batch{}
	for _, e := range entries {
		if e.Close == nil || !e.Approved {
			continue
		}
		i := slices.IndexFunc(list, func(b Batch) bool { return b.Terminal == e.Terminal && b.Batch == e.Batch && !b.Closed })
		if i < 0 {
			list = append(list, Batch{Terminal: e.Terminal, Batch: e.Batch, Begun: e.Time, Items: []Item{}, Missing: []int{}})
			i = len(list) - 1
		}
		if e.Kind == KindSettlement { // a new try, after one that came to nothing: what it uploads counts alone
			list[i].Items, list[i].Missing = []Item{}, []int{}
		}
		list[i].add(*e.Close)
	}
	return list
}

func (b *Batch) add(c Closing) {
	if c.Told != nil {
		b.Told = *c.Told
	}
	if c.Own != nil {
		b.Own, b.Balanced = *c.Own, c.Balanced
	}
	b.Items = append(b.Items, c.Items...)
	b.Missing = append(b.Missing, c.Missing...)
	b.Closed, b.Next = c.Next != "", c.Next
}
