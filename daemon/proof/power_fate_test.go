//go:build proof && linux

package proof

// lossKind is how a loss of power goes about what was not durable.
type lossKind int

const (
	keepsAll   lossKind = iota // the disk had written all of it
	losesAll                   // and nothing of it
	losesFiles                 // all of some files and folders, nothing of others
	losesSome                  // some changes, whole ones
	tears                      // some changes, some sectors of others
	lossKinds
)

// String names a kind in the report.
func (k lossKind) String() string {
	return [...]string{"all kept", "all unsynced lost", "some files lost", "some changes lost", "torn"}[k]
}

// luck decides by a seed: what it says of a change depends on nothing else, so that a state can be built again.
type luck struct {
	kind  lossKind
	place int // where the power goes
	seed  uint64
}

var _ fate = luck{}

// draw is 64 bits of chance about something (splitmix64, by Steele, Lea and Flood, 2014).
func (l luck) draw(about ...uint64) uint64 {
	z := l.seed
	for _, a := range about {
		z = mixed(z ^ a)
	}
	return mixed(z)
}

func mixed(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// What is drawn about a change.
const (
	aboutNode uint64 = iota + 1
	aboutChange
	aboutSector
	aboutTear
	aboutLength
	aboutOrder
	aboutCut
	aboutOdds
)

// nameSpan is how many places back names may be lost that are lost in their order.
const nameSpan = 300

// chance is true with the odds of this loss: some spare nearly everything, some hardly anything.
func (l luck) chance(about ...uint64) bool {
	odds := [...]uint64{10, 50, 50, 90}[l.draw(aboutOdds)%4]
	return l.draw(about...)%100 < odds
}

func (l luck) spared(c *change) bool {
	switch l.kind {
	case keepsAll:
		return c.end <= l.place
	case losesAll:
		return false
	case losesFiles:
		return l.chance(aboutNode, uint64(c.on.id))
	case losesSome, tears, lossKinds:
	}
	if c.on.folder && l.draw(aboutOrder)%2 == 0 { // names in their order, as a file system with a journal keeps them
		return c.end <= l.place-int(l.draw(aboutCut)%nameSpan)
	}
	return l.chance(aboutChange, uint64(c.begin)) || l.torn(c)
}

// torn tells whether only some sectors of a write are there.
func (l luck) torn(c *change) bool {
	return l.kind == tears && c.kind == opWrite && l.draw(aboutTear, uint64(c.begin))%2 == 0
}

func (l luck) sparedSector(c *change, n int64) bool {
	return !l.torn(c) || l.chance(aboutSector, uint64(c.begin), uint64(n))
}

func (l luck) lengthens(c *change) bool {
	return l.torn(c) && l.draw(aboutLength, uint64(c.begin))%2 == 0
}
