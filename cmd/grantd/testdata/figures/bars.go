package main

import "fmt"

// bar is one of two that are compared: its name, and which points it stands for.
type bar struct {
	name string
	of   func(point) bool
}

// bars compares the rates of a series with those of the base.
func bars(all []point, series, title string, kinds []bar) *picture {
	p := panels(title, panelTop+panelHeight+32)
	for i, op := range grown {
		left, bottom := panelLeft+float64(i)*panelStep, panelTop+panelHeight
		p.text(left, panelTop-32, "b", op.title)
		p.text(left, panelTop-16, "s", "requests a second")
		rates := make([]float64, len(kinds)*len(databases)) // 0: not measured
		most := 0.0
		for n := range rates {
			kind, db := kinds[n/len(databases)], databases[n%len(databases)]
			for _, point := range all {
				if point.Database == db.name && (point.Series == series || point.Series == "base") && kind.of(point) {
					o, _ := point.operation(op.name)
					rates[n] = o.Rate
				}
			}
			most = max(most, rates[n])
		}
		if most == 0 {
			continue
		}
		y := linear(most*1.05, thousands)
		p.frame(left, bottom, axis{}, y)
		for n, rate := range rates {
			group, db := float64(n/len(databases)), n%len(databases)
			x := left + 6 + group*panelWidth/2 + float64(db)*38
			height := y.at(rate, panelHeight)
			p.add(`<rect x="%.1f" y="%.1f" width="36" height="%.1f" fill="%s"><title>%s/s</title></rect>`, x, bottom-height, height, databases[db].colour, count(rate))
			p.text(x+18, bottom-height-4, "s m", short(rate))
			if db == 0 {
				p.text(left+6+37+group*panelWidth/2, bottom+16, "s m", kinds[n/len(databases)].name)
			}
		}
	}
	return p
}

// short writes a rate in the width of a bar.
func short(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.1fk", v/1000)
	}
	return fmt.Sprintf("%.0f", v)
}

// exact writes a rate with a digit more where that says something.
func exact(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return count(v)
}

// goals are the shares of the limit that operations shall reach at least, in percent.
var goals = []struct {
	name, title string
	goal        float64
}{
	{"refresh", "refresh", 65}, {"client_credentials", "client_credentials", 70}, {"introspect", "introspect, seen", 50},
	{"introspect_first", "introspect, first seen", 70}, {"me", "/users/me/, seen", 55}, {"password", "password, all cores", 97},
}

// shares shows what part of the limit each operation reaches.
func shares(all []point) *picture {
	const left, top, width, row = 170.0, 56.0, 600.0, 46.0
	bottom := top + row*float64(len(goals))
	p := panels("Share of what the machine can do at most, on one core; the mark is the goal", bottom+34)
	scale := axis{high: 100}
	for v := 0.0; v <= 100; v += 20 {
		x := left + scale.at(v, width)
		p.line(x, top, x, bottom, "g")
		p.text(x, bottom+18, "s m", percent(v))
	}
	for i, op := range goals {
		y := top + row*float64(i)
		p.text(left-10, y+27, "e", op.title)
		for n, db := range databases {
			for _, point := range all {
				o, found := point.operation(op.name)
				if point.Series != "base" || point.Database != db.name || !found {
					continue
				}
				at := y + 6 + float64(n)*18
				w := scale.at(min(100*o.Share, 100), width)
				p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="15" fill="%s"/>`, left, at, w, db.colour)
				p.text(left+scale.high/100*width+10, at+12, "s", percent(100*o.Share)+" · "+exact(o.Rate)+"/s")
			}
		}
		x := left + scale.at(op.goal, width)
		p.add(`<path d="%s" stroke="#1a7f37" stroke-width="3"/>`, fmt.Sprintf("M%.1f %.1fV%.1f", x, y+2, y+row-4))
	}
	return p
}
