package server

import "container/list"

// recent is a table of bounded size: whatever was used longest ago makes room for what is new. So who
// wants to be forgotten has to come with as many other keys as it holds, each of which is in it then.
// It is not locked.
type recent[K comparable, V any] struct {
	most  int
	rows  map[K]*list.Element
	order list.List // the last used is first
}

type recentRow[K comparable, V any] struct {
	key   K
	value V
}

// newRecent makes a table of that many rows at most.
func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, rows: map[K]*list.Element{}}
}

// get returns what is kept of key, and counts as a use.
func (t *recent[K, V]) get(key K) (value V, ok bool) {
	row := t.rows[key]
	if row == nil {
		return value, false
	}
	t.order.MoveToFront(row)
	return row.Value.(*recentRow[K, V]).value, true
}

// put keeps value.
func (t *recent[K, V]) put(key K, value V) {
	if row := t.rows[key]; row != nil {
		row.Value.(*recentRow[K, V]).value = value
		t.order.MoveToFront(row)
		return
	}
	if len(t.rows) >= t.most {
		oldest := t.order.Back()
		delete(t.rows, t.order.Remove(oldest).(*recentRow[K, V]).key)
	}
	t.rows[key] = t.order.PushFront(&recentRow[K, V]{key, value})
}
