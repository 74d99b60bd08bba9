package scopes

import (
	"fmt"
	"slices"
	"strings"
)

// Needs is what a route asks of a token. The zero value asks for a valid token, whatever its scope.
type Needs struct {
	alternatives []Set // all names of one of them; of none, if there is none
	open         bool
}

// AllOf needs a token with all these scopes. A name outside the grammar of RFC 6749 §3.3 is a mistake of the program:
// AllOf panics.
func AllOf(names ...string) Needs {
	var need Set
	for _, name := range names {
		if err := checkName(name); err != nil {
			panic(fmt.Sprintf("scopes: AllOf(%q): %v", names, err))
		}
		if !need.Has(name) {
			need = append(need, name)
		}
	}
	if need == nil {
		return Needs{}
	}
	return Needs{alternatives: []Set{need}}
}

// AnyOf needs a token with all the scopes of one of the alternatives, each a scope string: AnyOf("admin", "me items").
// Challenges name the first one, so put the one first that apps should ask for. AnyOf panics where AllOf does, and when
// there is no alternative or an empty one, which any token would do for.
func AnyOf(alternatives ...string) Needs {
	var n Needs
	for _, alternative := range alternatives {
		need, err := Parse(alternative)
		if err != nil || need == nil {
			panic(fmt.Sprintf("scopes: AnyOf(%q): an alternative is empty or malformed: %v", alternatives, err))
		}
		n.alternatives = append(n.alternatives, need)
	}
	if n.alternatives == nil {
		panic("scopes: AnyOf without an alternative: give at least one scope, or use AllOf()")
	}
	return n
}

// Open needs no token: the route is for everybody.
func Open() Needs { return Needs{open: true} }

// IsOpen reports whether a route with these needs lets everybody in.
func (n Needs) IsOpen() bool { return n.open }

// Scope is what challenges name: the scopes to ask for to be let in. It is empty when any valid token will do.
func (n Needs) Scope() Set {
	if len(n.alternatives) == 0 {
		return nil
	}
	return slices.Clone(n.alternatives[0])
}

// all gives the names of all alternatives, each once.
func (n Needs) all() Set {
	var names Set
	for _, alternative := range n.alternatives {
		names = append(names, alternative.Minus(names)...)
	}
	return names
}

// lacking says what a token of that scope is refused for, or nothing.
func (n Needs) lacking(scope Set) string {
	if len(n.alternatives) == 0 {
		return ""
	}
	var texts []string
	for _, need := range n.alternatives {
		missing := need.Minus(scope)
		if len(missing) == 0 {
			return ""
		}
		texts = append(texts, missing.String())
	}
	return strings.Join(texts, "; or ")
}

// met reports whether a token of that scope is let in.
func (n Needs) met(scope Set) bool {
	for _, need := range n.alternatives {
		if scope.Contains(need) {
			return true
		}
	}
	return len(n.alternatives) == 0
}

// Hierarchy says which scopes include others, in the judgement of a service: {"items:write": {"items"}} lets a token of
// items:write in where items is needed. What is included may include more. A hierarchy is not to be changed while a
// Guard uses it. Nil includes nothing.
type Hierarchy map[string]Set

// Expand gives scope and all that it includes.
func (h Hierarchy) Expand(scope Set) Set {
	var all Set
	seen := map[string]bool{} // ends circles, too
	for queue := slices.Clone(scope); len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		all = append(all, name)
		for _, next := range h[name] {
			if !seen[next] {
				queue = append(queue, next)
			}
		}
	}
	return all
}
