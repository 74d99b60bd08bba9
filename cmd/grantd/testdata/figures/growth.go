package main

import (
	"errors"
	"fmt"
	"html"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// What grows is drawn in a panel for each of these operations.
var grown = []struct{ name, title string }{
	{"refresh", "refresh"}, {"client_credentials", "client_credentials"}, {"introspect", "introspect, seen"}, {"me", "/users/me/, seen"},
}

var databases = []struct{ name, title, colour string }{
	{"sqlite", "SQLite", "#0969da"}, {"postgres", "PostgreSQL", "#bc4c00"},
}

func drawGrowth(all []point, folder string) error {
	if len(all) == 0 {
		return errors.New("there are no points to draw")
	}
	into := func(name string) string { return filepath.Join(folder, name+".svg") }
	return errors.Join(
		flat(all, "authorizations", "Rate by authorizations in the database", func(p point) float64 { return float64(p.Authorizations) }).save(into("authorizations")),
		flat(all, "clients", "Rate by clients in the database", func(p point) float64 { return float64(p.Clients) }).save(into("clients")),
		connections(all).save(into("connections")),
		bars(all, "tls", "Rate without and with TLS (one connection is kept for all its requests)", []bar{
			{"http", func(p point) bool { return !p.TLS }}, {"https", func(p point) bool { return p.TLS }},
		}).save(into("tls")),
		bars(all, "cores", "Rate on one core, and on two that the load runs on, too", []bar{
			{"1 core", func(p point) bool { return p.Cores == 1 }}, {"2 cores", func(p point) bool { return p.Cores == 2 }},
		}).save(into("cores")),
		shares(all).save(into("limit")),
	)
}

// Where the panels are: all have one size.
const (
	panelWidth, panelHeight = 175.0, 150.0
	panelStep               = panelWidth + 52
	panelLeft, panelTop     = 56.0, 84.0
	pictureWidth            = panelLeft + 4*panelStep - 22
)

// panels is a picture with a title and the colours of the databases.
func panels(title string, height float64) *picture {
	p := &picture{width: pictureWidth, height: height}
	p.text(16, 26, "b", title)
	for i, db := range databases {
		x := pictureWidth - 190 + float64(i)*80
		p.add(`<rect x="%.1f" y="16" width="11" height="11" rx="2" fill="%s"/>`, x, db.colour)
		p.text(x+16, 26, "", db.title)
	}
	return p
}

// frame draws the axes of a panel, whose lower left corner is at left, bottom.
func (p *picture) frame(left, bottom float64, x, y axis) {
	for _, v := range y.ticks {
		at := bottom - y.at(v, panelHeight)
		p.line(left, at, left+panelWidth, at, "g")
		p.text(left-6, at+4, "s e", y.label(v))
	}
	p.line(left, bottom, left+panelWidth, bottom, "a")
	for _, v := range x.ticks {
		p.text(left+x.at(v, panelWidth), bottom+16, "s m", x.label(v))
	}
}

func (p *picture) curve(left, bottom float64, x, y axis, colour string, values []sample, label func(float64) string) {
	var path strings.Builder
	for i, v := range values {
		at := sample{left + x.at(v.x, panelWidth), bottom - y.at(v.y, panelHeight)}
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], at.x, at.y)
		p.add(`<circle cx="%.1f" cy="%.1f" r="3.2" fill="%s"><title>%s</title></circle>`, at.x, at.y, colour, html.EscapeString(label(v.y)))
	}
	p.add(`<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`, path.String(), colour)
}

func xsOf(all []point, series string, x func(point) float64) (xs []float64) {
	for _, p := range all {
		if p.Series == series || p.Series == "base" {
			xs = append(xs, x(p))
		}
	}
	slices.Sort(xs)
	return slices.Compact(xs)
}

// flat shows rates as parts of the first, and the band of 20 % in which they shall be.
func flat(all []point, series, title string, of func(point) float64) *picture {
	p := panels(title+", as a part of the first; the band is ± 20 %", panelTop+panelHeight+32)
	x := atTicks(xsOf(all, series, of), power)
	for i, op := range grown {
		left, bottom := panelLeft+float64(i)*panelStep, panelTop+panelHeight
		y := axis{high: 150, ticks: []float64{0, 50, 80, 100, 120, 150}, label: percent}
		p.text(left, panelTop-32, "b", op.title)
		p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="band"/>`, left, bottom-y.at(120, panelHeight), panelWidth, y.at(40, panelHeight))
		p.frame(left, bottom, x, y)
		var first []string
		for _, db := range databases {
			values := along(all, series, db.name, op.name, of, func(o operation) float64 { return o.Rate })
			if len(values) == 0 {
				continue
			}
			base := values[0].y
			first = append(first, count(base))
			for i := range values {
				values[i].y = min(100*values[i].y/base, y.high)
			}
			p.curve(left, bottom, x, y, db.colour, values, func(v float64) string { return percent(v) + " of " + count(base) + "/s" })
		}
		p.text(left, panelTop-16, "s", "100 % = "+strings.Join(first, " and ")+"/s")
	}
	return p
}

// connections shows rates above, and the latencies that 99 % do not exceed below.
func connections(all []point) *picture {
	const below = panelHeight + 62
	p := panels("Rate and p99 by connections, each of which sends one request after the other", panelTop+panelHeight+below+32)
	of := func(p point) float64 { return float64(p.Connections) }
	rate, p99 := func(o operation) float64 { return o.Rate }, func(o operation) float64 { return max(o.P99, 0.001) }
	x := atTicks(xsOf(all, "connections", of), count)
	for i, op := range grown {
		left, bottom := panelLeft+float64(i)*panelStep, panelTop+panelHeight
		p.text(left, panelTop-32, "b", op.title)
		p.text(left, panelTop-12, "s", "requests a second")
		p.text(left, panelTop-12+below, "s", "p99, milliseconds")
		p.rows(all, op.name, left, bottom, x, of, rate, func(most, _ float64) axis { return linear(most, thousands) })
		p.rows(all, op.name, left, bottom+below, x, of, p99, func(most, least float64) axis {
			return decades(least, most, func(v float64) string { return fmt.Sprintf("%g", v) })
		})
	}
	return p
}

// rows draws a panel of connections with a curve for each database.
func (p *picture) rows(all []point, name string, left, bottom float64, x axis, of func(point) float64, y func(operation) float64, scale func(most, least float64) axis) {
	most, least := 0.0, math.Inf(1)
	curves := make([][]sample, len(databases))
	for i, db := range databases {
		curves[i] = along(all, "connections", db.name, name, of, y)
		for _, v := range curves[i] {
			most, least = max(most, v.y), min(least, v.y)
		}
	}
	if most == 0 {
		return
	}
	a := scale(most, least)
	p.frame(left, bottom, x, a)
	for i, db := range databases {
		p.curve(left, bottom, x, a, db.colour, curves[i], func(v float64) string { return fmt.Sprintf("%.4g", v) })
	}
}

func thousands(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%gk", v/1000)
	}
	return fmt.Sprintf("%g", v)
}
