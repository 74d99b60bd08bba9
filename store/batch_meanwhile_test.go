package store_test

import (
	"reflect"
	"sync"
	"testing"

	"github.com/grantd/grantd/store"
)

// meanwhile notes what each of a group was told before the commit.
type meanwhile struct {
	mu   sync.Mutex
	told map[int][]store.Grant
}

func (m *meanwhile) listen(g *grouped) {
	m.told = map[int][]store.Grant{}
	for i := range g.in {
		g.in[i].Meanwhile = func(grant store.Grant) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.told[i] = append(m.told[i], grant)
		}
	}
}

func (m *meanwhile) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.told)
}

func sqliteGroup(t *testing.T, n int) *grouped {
	return groupOf(t, migrated(t, t.TempDir()+"/grantd.db"), n)
}

// The commit goes on when all have been told: who is told later has lost the time of the disk.
func TestCallersAreToldBeforeTheCommit(t *testing.T) {
	g := sqliteGroup(t, 6)
	g.in[5] = g.in[4] // one of the two is not rotated, and told nothing
	var m meanwhile
	m.listen(g)
	duringNext(t, func() bool {
		eventually(t, func() bool { return m.count() == 5 })
		return true
	})
	g.start(t)
	g.wg.Wait()
	for i := range g.in {
		if told := m.told[i]; g.res[i].Outcome != store.Rotated {
			if len(told) != 0 {
				t.Errorf("caller %d was told of %v, and got %v", i, told, g.res[i].Outcome)
			}
		} else if len(told) != 1 || !reflect.DeepEqual(told[0], g.res[i].Grant) {
			t.Errorf("caller %d was told\n %v\nand got\n %v", i, told, g.res[i].Grant)
		}
	}
}

// What callers were told is void if the commit fails.
func TestCallersAreToldOfACommitThatFails(t *testing.T) {
	g := sqliteGroup(t, 3)
	var m meanwhile
	m.listen(g)
	fails := func() bool { return false }
	duringCommit.Store(&fails)
	t.Cleanup(func() { duringCommit.Store(nil) })
	g.start(t)
	g.wg.Wait()
	duringCommit.Store(nil)
	for i := range g.in {
		if g.err[i] == nil {
			t.Errorf("caller %d: %v", i, g.res[i].Outcome)
		}
		if len(m.told[i]) != 1 { // also when each was tried alone, after the group
			t.Errorf("caller %d was told %d times", i, len(m.told[i]))
		}
		if row, err := g.db.Grant(t.Context(), g.in[i].ID); err != nil || row.Generation != g.in[i].Generation {
			t.Errorf("caller %d: generation %d, %v", i, row.Generation, err)
		}
	}
}
