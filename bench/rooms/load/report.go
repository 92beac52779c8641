package main

// The table of many runs: medians over the rounds, and how our server stands to the best of the others in each round.

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

const (
	ours      = "zvonok"
	saturated = 85 // percent of its core
	stormCore = 85 // percent of the generator's core: a storm is short, and begins and ends with waiting
)

func readResults(path string) ([]*result, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []*result
	lines := bufio.NewScanner(file)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		r := &result{}
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, lines.Err()
}

func sorted(rounds []*result, of func(*result) float64) []float64 {
	var values []float64
	for _, r := range rounds {
		values = append(values, of(r))
	}
	sort.Float64s(values)
	return values
}

func median(rounds []*result, of func(*result) float64) float64 {
	return quantile(sorted(rounds, of), .5)
}

func sum(rounds []*result, of func(*result) int) int {
	n := 0
	for _, r := range rounds {
		n += of(r)
	}
	return n
}

// column of the table: of the rounds in which there was something to measure.
type column struct {
	name string
	cell func(rounds []*result) string
}

func number(name, format string, of func(*result) float64) column {
	return column{name, func(rounds []*result) string { return fmt.Sprintf(format, median(rounds, of)) }}
}

// joins is of those scenarios in which somebody only receives.
func joins(name string, of func(*result) float64) column {
	return column{name, func(rounds []*result) string {
		if value := median(rounds, of); value > 0 {
			return fmt.Sprintf("%.0f", value)
		}
		return ""
	}}
}

// storm is of those scenarios in which all join at once.
func storm(name, format string, of func(*result) float64) column {
	return column{name, func(rounds []*result) string {
		if !rounds[0].Storm {
			return ""
		}
		return fmt.Sprintf(format, median(rounds, of))
	}}
}

// delay is of those rounds in which anything came to those who decode.
func delay(name, format string, of func(*result) float64) column {
	return column{name, func(rounds []*result) string {
		var came []*result
		for _, r := range rounds {
			if r.Decoded > 0 {
				came = append(came, r)
			}
		}
		if len(came) == 0 {
			return ""
		}
		return fmt.Sprintf(format, median(came, of))
	}}
}

func leastMost(rounds []*result) string {
	costs := sorted(rounds, cost)
	return fmt.Sprintf("%.2f-%.2f", costs[0], costs[len(costs)-1])
}

func cost(r *result) float64 { return r.MicrosPerPacket }

func columns() []column {
	return []column{
		{"scenario", func(rounds []*result) string { return rounds[0].Name }},
		{"target", func(rounds []*result) string { return rounds[0].Target }},
		number("us", "%.2f", cost),
		{"least-most", leastMost},
		number("packets/s", "%.0f", (*result).perSecond),
		number("bytes", "%.0f", func(r *result) float64 { return r.PacketBytes }),
		number("core%", "%.0f", func(r *result) float64 { return r.percentOf(r.ServerCpu) }),
		number("gen%", "%.0f", func(r *result) float64 { return r.percentOf(r.GeneratorCpu) }),
		number("others%", "%.0f", func(r *result) float64 { return r.percentOf(r.Others) }),
		number("loss%", "%.3f", (*result).lossPercent),
		delay("p50", "%.2f", func(r *result) float64 { return r.DelayP50 / 1000 }),
		delay("p99", "%.1f", func(r *result) float64 { return r.DelayP99 / 1000 }),
		delay("p99.9", "%.1f", func(r *result) float64 { return r.DelayP999 / 1000 }),
		number("KiB", "%.0f", func(r *result) float64 { return r.memoryEach(r.MemoryJoined) }),
		number("KiB later", "%.0f", func(r *result) float64 { return r.memoryEach(r.MemoryEnd) }),
		joins("join50", func(r *result) float64 { return r.JoinP50 }),
		joins("joined", func(r *result) float64 { return r.JoinMax }),
		storm("joins/s", "%.0f", func(r *result) float64 { return r.JoinsPerSecond }),
		number("join cpu", "%.2f", func(r *result) float64 { return r.JoinCpuMillis }),
		{"never", func(rounds []*result) string {
			return fmt.Sprint(sum(rounds, func(r *result) int { return r.Unjoined }))
		}},
	}
}

// notes say what kept a row's figures from being only the server's.
func notes(rounds []*result) string {
	var all []string
	known := map[string]bool{}
	add := func(format string, values ...interface{}) {
		if note := fmt.Sprintf(format, values...); !known[note] {
			known[note] = true
			all = append(all, note)
		}
	}
	for _, r := range rounds {
		if own := r.generatorLimits(); own != "" {
			add("%s", own)
		}
		if r.Storm && r.JoinGeneratorCore >= stormCore {
			who := "generator limits the joins"
			if r.JoinServerCore >= stormCore {
				who = "generator and server limit the joins"
			}
			add("%s: its core %.0f %%, the server's %.0f %%", who, r.JoinGeneratorCore, r.JoinServerCore)
		}
		if r.Limit == 0 && r.percentOf(r.ServerCpu) >= saturated {
			add("saturated")
		}
		if r.ServerDrops > 0 && r.Limit == 0 {
			add("%d dropped before the server", r.ServerDrops)
		}
		if r.Note != "" {
			add("%s", r.Note)
		}
		if len(r.Failures) > 0 {
			add("%s", r.Failures[0])
		}
	}
	if used := rounds[len(rounds)-1]; len(used.ServerCpuOf) > 1 {
		var parts []string
		for name, seconds := range used.ServerCpuOf {
			parts = append(parts, fmt.Sprintf("%s %.1f %%", name, used.percentOf(seconds)))
		}
		sort.Strings(parts)
		add("of core%%: %s", strings.Join(parts, ", "))
	}
	return strings.Join(all, "; ")
}

func show(table [][]string) {
	var widths []int
	for _, cells := range table {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if i < len(cells)-1 && len(cell) > widths[i] {
				widths[i] = len(cell)
			}
		}
	}
	for row, cells := range table {
		line := "|"
		for i, cell := range cells {
			if i < 2 {
				line += fmt.Sprintf(" %-*s |", widths[i], cell)
			} else {
				line += fmt.Sprintf(" %*s |", widths[i], cell)
			}
		}
		fmt.Println(line)
		if row == 0 {
			rule := "|"
			for i, width := range widths {
				if i < 2 || i == len(widths)-1 {
					rule += strings.Repeat("-", width+2) + "|"
				} else {
					rule += strings.Repeat("-", width+1) + ":|"
				}
			}
			fmt.Println(rule)
		}
	}
}

// ratios compares ours with the best of the others, round by round: the two ran one after the other.
func ratios(runs map[string][]*result, targets []string, of func(*result) float64, best func(a, b float64) bool) []float64 {
	var found []float64
	for round, r := range runs[ours] {
		if !(of(r) > 0) { // failed, or not of this scenario
			continue
		}
		peer, known := 0.0, false
		for _, target := range targets {
			if target == ours || round >= len(runs[target]) {
				continue
			}
			if value := of(runs[target][round]); value > 0 && (!known || best(value, peer)) {
				peer, known = value, true
			}
		}
		if known {
			found = append(found, of(r)/peer)
		}
	}
	sort.Float64s(found)
	return found
}

func showRatios(name string, runs map[string][]*result, targets []string) {
	less := func(a, b float64) bool { return a < b }
	more := func(a, b float64) bool { return a > b }
	var parts []string
	show := func(what string, of func(*result) float64, best func(a, b float64) bool) {
		if r := ratios(runs, targets, of, best); len(r) > 0 {
			parts = append(parts, fmt.Sprintf("%s %.2f (%.2f-%.2f)", what, quantile(r, .5), r[0], r[len(r)-1]))
		}
	}
	show("CPU per packet", cost, less)
	show("packets a second", (*result).perSecond, more)
	// At its limit each has another rate, and delays of another.
	if r := runs[ours]; len(r) > 0 && r[0].Limit == 0 {
		show("CPU per join", func(r *result) float64 { return r.JoinCpuMillis }, less)
		show("delay p99", func(r *result) float64 { return r.DelayP99 }, less)
		show("join, the last", func(r *result) float64 { return r.JoinMax }, less)
	}
	show("memory", func(r *result) float64 { return r.memoryEach(r.MemoryEnd) }, less)
	if len(parts) > 0 {
		fmt.Printf("- %s: %s\n", name, strings.Join(parts, ", "))
	}
}

const legend = `Medians of the rounds. us: CPU of the server (all its processes) per packet that arrived; bytes: UDP payload. core%, gen%: of one core,
server and generator; others%: what else ran on the server's core: where it is much, cost may be trusted, but not delay, loss and joins.
loss%: exact, at those who decode. p50, p99, p99.9: from before sealing in the publisher to the receiver's kernel, ms. KiB: growth of the server's PSS
for each participant from before the first to when all were in; later: to after the window. join50, joined: half of, and all, who only
receive have their first RTP, ms; joins/s: the same of a storm; join cpu: of the server for each who joined, ms. never: joined never, or
without some stream. limit: packets/s is the highest at which under 0.1 % of a window's packets were not there 100 ms after its end.
"generator limits" in a note: the figure is of the generator, and the server may be better. "saturated": above 85 % of the core delay, loss and
joins say only that.`

// split tells the runs that failed from the others.
func split(all []*result) (good, failed []*result) {
	for _, r := range all {
		if r.Error != "" {
			failed = append(failed, r)
		} else {
			good = append(good, r)
		}
	}
	return good, failed
}

func row(rounds []*result, of []column) []string {
	good, failed := split(rounds)
	var cells []string
	for i, c := range of {
		switch {
		case i < 2:
			cells = append(cells, c.cell(rounds))
		case len(good) > 0:
			cells = append(cells, c.cell(good))
		default:
			cells = append(cells, "")
		}
	}
	note := ""
	if len(good) > 0 {
		note = notes(good)
	}
	if len(failed) > 0 {
		note = strings.TrimSuffix(fmt.Sprintf("%d of %d runs failed: %s; %s", len(failed), len(rounds), failed[0].Error, note), "; ")
	}
	return append(cells, note)
}

func report(path string) error {
	all, err := readResults(path)
	if err != nil {
		return err
	}
	var names, targets []string
	runs := map[string]map[string][]*result{}
	seenTarget := map[string]bool{}
	for _, r := range all {
		if runs[r.Name] == nil {
			runs[r.Name] = map[string][]*result{}
			names = append(names, r.Name)
		}
		if !seenTarget[r.Target] {
			seenTarget[r.Target] = true
			targets = append(targets, r.Target)
		}
		runs[r.Name][r.Target] = append(runs[r.Name][r.Target], r)
	}
	of := columns()
	heads := []string{}
	for _, c := range of {
		heads = append(heads, c.name)
	}
	table := [][]string{append(heads, "note")}
	for _, name := range names {
		for _, target := range targets {
			if rounds := runs[name][target]; len(rounds) > 0 {
				table = append(table, row(rounds, of))
			}
		}
	}
	show(table)
	fmt.Printf("\n%s\n\n%s / best of the others, round by round (least-most):\n", legend, ours)
	for _, name := range names {
		showRatios(name, runs[name], targets)
	}
	return nil
}
