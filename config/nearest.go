package config

import "strings"

// nearest gives the key that takes the fewest edits to reach from name, with
// or without the group in front.
func nearest(name string, keys []string) string {
	best, _ := measured(name, keys)
	return best
}

// measured is nearest, and says whether at least half of name is right.
func measured(name string, keys []string) (best string, isClose bool) {
	const most = 64 // longer names are no typing errors and cost time
	name = flagName(strings.ToLower(name[:min(len(name), most)]))
	fewest := -1
	for _, key := range keys {
		whole := flagName(key)
		last := flagName(key[strings.LastIndex(key, ".")+1:])
		edits := min(distance(name, whole), distance(name, last))
		if fewest < 0 || edits < fewest {
			best, fewest = key, edits
		}
	}
	return best, 2*fewest <= len(name)
}

// distance is how many bytes must be put in, taken out or replaced to make b of a (Levenshtein). Its time is
// the product of the lengths.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from what was read of a to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func didYouMean(name string) string { return `did you mean "` + name + `"?` }

func leafKeys() []string {
	keys := make([]string, len(table))
	for i, l := range table {
		keys[i] = l.key
	}
	return keys
}

// groupKeys are the parts of keys before the dot.
func groupKeys() []string {
	var keys []string
	for _, l := range table {
		group, _, nested := strings.Cut(l.key, ".")
		if nested && (len(keys) == 0 || keys[len(keys)-1] != group) {
			keys = append(keys, group)
		}
	}
	return keys
}
