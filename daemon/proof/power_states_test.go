//go:build proof && linux

package proof

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
)

// outage is a loss of power at a place of a record, and what was on the disk after it.
type outage struct {
	place int
	told  int // how many claims were told before
	luck  luck
	image image
}

// states tells states that were there before from new ones.
type states struct {
	seed maphash.Seed
	sums map[uint64]bool
}

func newStates() *states { return &states{maphash.MakeSeed(), map[uint64]bool{}} }

// add tells whether a state is new. What is the same on the disk is another state when more had been told by then.
func (s *states) add(o outage) bool {
	sum := o.image.sum(s.seed, o.told)
	known := s.sums[sum]
	s.sums[sum] = true
	return !known
}

// outages builds states of the disk, each unlike all others, and hands them on until it has made so many. It gives how
// many it has made of each kind: fewer than wanted if the record has no more.
func outages(ctx context.Context, r *record, plan outagePlan, known *states, hand func(outage)) (made [lossKinds]int, err error) {
	total := 0
	for round := uint64(0); total < plan.want && round < maxRounds; round++ {
		d, err := newDisk(r)
		if err != nil {
			return made, err
		}
		before := total
		for _, o := range plan.round(round, plan.want-total) {
			if ctx.Err() != nil {
				return made, context.Cause(ctx)
			}
			d.advance(o.place)
			o.image = d.after(o.luck)
			o.told = plan.told(o.place)
			if total == plan.want || !known.add(o) {
				continue
			}
			hand(o)
			made[o.luck.kind]++
			total++
		}
		if total == before && round > maxRounds/2 {
			break // there is nothing new any more
		}
	}
	return made, nil
}

// maxRounds bounds how often the record is played.
const maxRounds = 50

// outagePlan is where the power goes, how often, and how.
type outagePlan struct {
	places []int               // in order
	told   func(place int) int // how many claims were told before a place
	want   int
	seed   uint64
}

// planOutages takes the places of a record at which anything happens, from one to before another: a call begins or
// ends, or something is told.
func planOutages(r *record, from, to int, told func(place int) int) outagePlan {
	var places []int
	for _, op := range r.ops {
		places = append(places, op.begin, op.end)
	}
	for _, s := range r.sent {
		places = append(places, s.place)
	}
	slices.Sort(places)
	places = slices.DeleteFunc(slices.Compact(places), func(p int) bool { return p < from || p >= min(to, forever) })
	return outagePlan{places: places, told: told}
}

// round gives the outages of one time through the record, in its order. Places are as far apart as makes enough of
// them; every round takes others. All kinds are tried at each place.
func (p outagePlan) round(n uint64, want int) []outage {
	if len(p.places) == 0 {
		return nil
	}
	step := min(max(1, len(p.places)*int(lossKinds)/max(want, 1)), len(p.places))
	first := int(mixed(p.seed^n) % uint64(step))
	var out []outage
	for i := first; i < len(p.places); i += step {
		for k := range lossKinds {
			if n > 0 && (k == keepsAll || k == losesAll) && step == 1 {
				continue // nothing is drawn for them
			}
			seed := mixed(p.seed ^ mixed(n<<40|uint64(i)<<8|uint64(k)))
			out = append(out, outage{place: p.places[i], luck: luck{kind: k, place: p.places[i], seed: seed}})
		}
	}
	return out
}

// toldBy is how many claims were told before a place.
func (c *claims) toldBy(place int) int {
	n, _ := slices.BinarySearchFunc(c.found, place+1, func(cl claim, at int) int { return cmp.Compare(cl.place, at) })
	return n
}

// sum tells states apart: what is on the disk, and what was told before.
func (im image) sum(seed maphash.Seed, told int) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, told)
	for _, f := range im.folders {
		maphash.WriteComparable(&h, f)
	}
	names := make([]string, 0, len(im.files))
	for name := range im.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		maphash.WriteComparable(&h, name)
		maphash.WriteComparable(&h, len(im.files[name]))
		_, _ = h.Write(im.files[name]) // never fails
	}
	return h.Sum64()
}

// lay puts an image into a folder, in place of the journal's folder that was there.
func (im image) lay(folder string) error {
	if err := os.RemoveAll(filepath.Join(folder, journalFolder)); err != nil {
		return err
	}
	for _, f := range im.folders {
		if err := os.MkdirAll(filepath.Join(folder, f), 0o700); err != nil {
			return err
		}
	}
	var errs []error
	for name, data := range im.files {
		errs = append(errs, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	return errors.Join(errs...)
}
