package database

// distinctValues counts the values of a column: how many there are, how many rows repeat one, and how many differ in case or outer blanks alone. It
// remembers values by keyed hashes. When there are too many it goes on with half of them, and again: those whose hash, of the value in lower case and
// trimmed, ends in more zeros (Wegman's adaptive sampling; Flajolet, "On Adaptive Sampling", 1990). All rows of a group are in the sample or none,
// so what is counted in it is there; as long as level is 0 nothing else is.
type distinctValues struct {
	level   uint
	raw     hashTable // by value; counts rows
	folded  hashTable // by value in lower case and trimmed; of texts alone
	repeats int64     // rows of sampled values beyond each one's first
}

// mostValues are remembered per column: the number of distinct values has a standard error of about 1 %.
const mostValues = 1 << 14

// add counts n rows of a value.
func (d *distinctValues) add(raw, fold uint64, text bool, n int64) {
	if fold&(1<<d.level-1) != 0 {
		return
	}
	if e, known := d.raw.find(raw); known {
		e.rows += n
		d.repeats += n
		return
	}
	d.raw.insert(entry{hash: raw, fold: fold, rows: n})
	d.repeats += n - 1
	if text {
		if _, known := d.folded.find(fold); !known {
			d.folded.insert(entry{hash: fold, fold: fold})
		}
	}
	for d.raw.used > mostValues {
		d.thin(d.level + 1)
	}
}

// thin goes down to the sample of a higher level.
func (d *distinctValues) thin(level uint) {
	d.level = level
	mask := uint64(1)<<level - 1
	d.repeats = 0
	d.raw.keep(func(e *entry) bool {
		if e.fold&mask != 0 {
			return false
		}
		d.repeats += e.rows - 1
		return true
	})
	d.folded.keep(func(e *entry) bool { return e.fold&mask == 0 })
}

// distinct is an estimate unless level is 0.
func (d *distinctValues) distinct() int64 { return int64(d.raw.used) << d.level }

// rows are those of the sampled values.
func (d *distinctValues) rows() int64 { return int64(d.raw.used) + d.repeats }

// foldRepeats are sampled values that another one equals in lower case and trimmed.
func (d *distinctValues) foldRepeats() int64 { return int64(d.raw.used - d.folded.used) }

// hashTable is an open-addressing table whose keys are hashes already: Go's map hashes again and holds no entry in place.
type hashTable struct {
	slots []entry
	used  int
}

// entry is a value; rows of 0 and hash 0 is a free slot, so hashes are never 0.
type entry struct {
	hash, fold uint64
	rows       int64
}

func (t *hashTable) find(hash uint64) (*entry, bool) {
	if len(t.slots) == 0 {
		return nil, false
	}
	mask := uint64(len(t.slots) - 1)
	// Samples have hashes that end alike: the place comes from the upper half.
	for i := (hash >> 32) & mask; ; i = (i + 1) & mask {
		switch e := &t.slots[i]; e.hash {
		case hash:
			return e, true
		case 0:
			return e, false
		}
	}
}

func (t *hashTable) insert(e entry) {
	if 2*(t.used+1) > len(t.slots) {
		t.move(max(64, 2*len(t.slots)), func(*entry) bool { return true })
	}
	free, _ := t.find(e.hash)
	*free = e
	t.used++
}

// keep removes what the condition is false of.
func (t *hashTable) keep(condition func(*entry) bool) {
	if len(t.slots) > 0 {
		t.move(len(t.slots), condition)
	}
}

func (t *hashTable) move(size int, condition func(*entry) bool) {
	old := t.slots
	t.slots, t.used = make([]entry, size), 0
	for i := range old {
		if old[i].hash != 0 && condition(&old[i]) {
			free, _ := t.find(old[i].hash)
			*free = old[i]
			t.used++
		}
	}
}
