//go:build proof && linux

package proof

import (
	"fmt"
	"maps"
	"path"
	"slices"
)

// sector is what a disk writes at once: a bigger write may be torn between two.
const sector = 512

// node is a file or a folder on the modelled disk.
type node struct {
	id      int
	folder  bool
	data    []byte           // durable content of a file
	names   map[string]*node // durable names of a folder
	pending []*change        // done and not yet durable, in the order in which they were done
}

// change is something that was done to a node. It becomes durable when the node is synced after it; until then a loss
// of power may take it, or a part of it, and spare what came later.
type change struct {
	begin, end int
	on         *node
	kind       fileOpKind
	off, size  int64
	data       []byte
	names      map[string]*node // of a folder: what the names stand for then; nil for nothing
	sync       bool             // of the node: no change at all
}

// disk plays a record and knows at each place what is durable.
//
// The model: a write is durable when its file was synced after it, a name when its folder was: syncing a file does not
// make its name durable. What is not durable may be lost, each change by itself and in every order, between files and
// within one; a write may be torn between sectors, and what it would have lengthened may be zeros.
type disk struct {
	root    *node
	changes []*change // in the order in which they ended
	next    int       // the first one that has not ended
	place   int
	count   int // operations
}

// newDisk makes an empty disk, on which the record is to be played.
func newDisk(r *record) (*disk, error) {
	d := &disk{root: &node{folder: true, names: map[string]*node{}}, place: -1, count: len(r.ops)}
	live := d.fill(r.before)
	for _, op := range r.ops {
		c, err := d.changeOf(op, live)
		if err != nil {
			return nil, err
		}
		d.changes = append(d.changes, c)
	}
	slices.SortStableFunc(d.changes, func(a, b *change) int { return a.end - b.end })
	return d, nil
}

// fill puts on an empty disk what was there before the record, and gives it by its paths.
func (d *disk) fill(before image) map[string]*node {
	live := map[string]*node{".": d.root}
	add := func(name string, n *node) {
		n.id = -len(live)
		live[name] = n
		live[path.Dir(name)].names[path.Base(name)] = n
	}
	for _, f := range before.folders { // those above others come first
		if f != "." {
			add(f, &node{folder: true, names: map[string]*node{}})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before.files)) {
		add(name, &node{data: slices.Clone(before.files[name])})
	}
	return live
}

// changeOf finds out what an operation is about, by the names as they are at its time.
func (d *disk) changeOf(op fileOp, live map[string]*node) (*change, error) {
	c := &change{begin: op.begin, end: op.end, kind: op.kind, off: op.off, size: op.size, data: op.data}
	folder := live[path.Dir(op.path)]
	if folder == nil {
		return nil, fmt.Errorf("%s: its folder is not known", op.path)
	}
	switch op.kind {
	case opCreate, opFolder:
		n := &node{id: len(d.changes) + 1, folder: op.kind == opFolder, names: map[string]*node{}}
		live[op.path] = n
		c.on, c.names = folder, map[string]*node{path.Base(op.path): n}
	case opRemove:
		delete(live, op.path)
		c.on, c.names = folder, map[string]*node{path.Base(op.path): nil}
	case opRename:
		if path.Dir(op.to) != path.Dir(op.path) {
			return nil, fmt.Errorf("%s goes to another folder: the model of a disk does not know that", op.path)
		}
		n := live[op.path]
		delete(live, op.path)
		live[op.to] = n
		c.on, c.names = folder, map[string]*node{path.Base(op.path): nil, path.Base(op.to): n}
	case opWrite, opTruncate, opSync:
		c.on, c.sync = live[op.path], op.kind == opSync
	}
	if c.on == nil {
		return nil, fmt.Errorf("%s is not known", op.path)
	}
	return c, nil
}

// advance plays the record up to a place, which may not go back.
func (d *disk) advance(place int) {
	d.place = place
	for ; d.next < len(d.changes) && d.changes[d.next].end <= place; d.next++ {
		c := d.changes[d.next]
		if c.sync {
			c.on.settle(c.begin)
		} else {
			c.on.pending = append(c.on.pending, c)
		}
	}
}

// settle makes durable what was done before a sync began.
func (n *node) settle(began int) {
	var left []*change
	for _, c := range n.pending {
		if c.end >= began {
			left = append(left, c)
			continue
		}
		n.data = c.onData(n.data, everything{})
		c.onNames(n.names)
	}
	n.pending = left
}

// unsettled are the changes of a node that a loss of power at this place may take: those done, then those under way.
func (d *disk) unsettled(n *node) []*change {
	out := slices.Clone(n.pending)
	for _, c := range d.changes[d.next:] {
		if c.on == n && !c.sync && c.begin <= d.place {
			out = append(out, c)
		}
	}
	return out
}

// fate says what becomes of a change when the power goes.
type fate interface {
	spared(c *change) bool                // it is there, or a part of it
	sparedSector(c *change, n int64) bool // this part of a write is; n counts sectors from the file's begin
	lengthens(c *change) bool             // the file is as long as the whole write makes it, whatever is lost of it
}

type everything struct{}

func (everything) spared(*change) bool              { return true }
func (everything) sparedSector(*change, int64) bool { return true }
func (everything) lengthens(*change) bool           { return true }

// onNames does a change of names.
func (c *change) onNames(names map[string]*node) {
	for name, n := range c.names {
		if n == nil {
			delete(names, name)
		} else {
			names[name] = n
		}
	}
}

// onData does a change of content, as far as it is spared, and gives the content after it. data may be changed.
func (c *change) onData(data []byte, f fate) []byte {
	switch c.kind {
	case opTruncate:
		return resized(data, c.size)
	case opWrite:
	default:
		return data
	}
	end := c.off + int64(len(c.data))
	if f.lengthens(c) {
		data = resized(data, max(end, int64(len(data))))
	}
	for from := c.off; from < end; {
		to := min(end, (from/sector+1)*sector)
		if f.sparedSector(c, from/sector) {
			data = resized(data, max(to, int64(len(data))))
			copy(data[from:to], c.data[from-c.off:to-c.off])
		}
		from = to
	}
	return data
}

// resized cuts data off or fills it up with zeros.
func resized(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		return data[:size]
	}
	return append(data, make([]byte, size-int64(len(data)))...)
}

// image is what a disk holds: the content of files by path, and the folders.
type image struct {
	folders []string
	files   map[string][]byte
}

// after gives what is on the disk when the power has gone at this place.
func (d *disk) after(f fate) image {
	im := image{files: map[string][]byte{}}
	open := map[string]*node{".": d.root}
	for len(open) > 0 {
		below := map[string]*node{}
		for at, folder := range open {
			im.folders = append(im.folders, at)
			for name, n := range d.namesAfter(folder, f) {
				if p := path.Join(at, name); n.folder {
					below[p] = n
				} else {
					im.files[p] = d.dataAfter(n, f)
				}
			}
		}
		open = below
	}
	slices.Sort(im.folders)
	return im
}

func (d *disk) namesAfter(folder *node, f fate) map[string]*node {
	names := maps.Clone(folder.names)
	for _, c := range d.unsettled(folder) {
		if f.spared(c) {
			c.onNames(names)
		}
	}
	return names
}

func (d *disk) dataAfter(n *node, f fate) []byte {
	data := slices.Clone(n.data)
	for _, c := range d.unsettled(n) {
		if f.spared(c) {
			data = c.onData(data, f)
		}
	}
	return data
}
