package main

// The table of many runs: medians over the rounds, and how our server stands to the best of the others in each round.

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
)

const ours = "zvonok"

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

func row(target string, rounds []*result) {
	cost := func(r *result) float64 { return r.MicrosPerPacket }
	costs := sorted(rounds, cost)
	const format = "  %-8s %6.2f  %5.2f-%5.2f %8.0f %5.0f %5.0f %6.0f %8.3f %7.1f %7.1f %6.0f %6.0f %6.2f %5d %4.0f\n"
	fmt.Printf(format, target, median(rounds, cost), costs[0], costs[len(costs)-1], median(rounds, (*result).perSecond),
		median(rounds, func(r *result) float64 { return r.PacketBytes }),
		median(rounds, func(r *result) float64 { return 100 * r.ServerCpu / r.Seconds }),
		median(rounds, func(r *result) float64 { return 100 * r.Others / r.Seconds }),
		median(rounds, (*result).lossPercent),
		median(rounds, func(r *result) float64 { return r.DelayP50 / 1000 }),
		median(rounds, func(r *result) float64 { return r.DelayP99 / 1000 }),
		median(rounds, func(r *result) float64 { return r.JoinP50 }),
		median(rounds, func(r *result) float64 { return r.JoinMax }),
		median(rounds, func(r *result) float64 { return r.JoinCpuMillis }),
		sum(rounds, func(r *result) int { return r.Unjoined }),
		median(rounds, func(r *result) float64 { return float64(r.ServerRss >> 20) }))
}

// ratios compares ours with the best of the others, round by round: the two ran one after the other.
func ratios(runs map[string][]*result, targets []string, of func(*result) float64, best func(a, b float64) bool) []float64 {
	var found []float64
	for round, r := range runs[ours] {
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

func showRatios(runs map[string][]*result, targets []string) {
	less := func(a, b float64) bool { return a < b }
	more := func(a, b float64) bool { return a > b }
	show := func(what string, of func(*result) float64, best func(a, b float64) bool) {
		if r := ratios(runs, targets, of, best); len(r) > 0 {
			fmt.Printf("  %s / best peer: %s %.2f (%.2f-%.2f)\n", ours, what, quantile(r, .5), r[0], r[len(r)-1])
		}
	}
	show("CPU per packet", func(r *result) float64 { return r.MicrosPerPacket }, less)
	show("packets a second", (*result).perSecond, more)
	show("CPU per join", func(r *result) float64 { return r.JoinCpuMillis }, less)
	show("delay p99", func(r *result) float64 { return r.DelayP99 }, less)
	if len(runs[ours]) > 0 && runs[ours][0].JoinMax > 0 {
		show("join, the last", func(r *result) float64 { return r.JoinMax }, less)
	}
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
	fmt.Println(`Medians of the rounds. us: CPU of the server per packet that arrived. Delay p50, p99: from before sealing in the publisher
to the receiver's kernel, ms. join50, joined: half of, and all, who only receive have their first RTP, ms; most of it is the
generator's own work. cpu: of the server for each who joined, ms. never: joined never, or without some stream.
others: what else ran on the server's core, percent: where it is much, cost may be trusted, but not delay, loss and joins.
Above 85 % of the core a server is saturated: its delay, loss and joins then say only that.`)
	for _, name := range names {
		const format = "\n%-10s %6s  %11s %8s %5s %5s %6s %8s %7s %7s %6s %6s %6s %5s %4s\n"
		fmt.Printf(format, name, "us", "least-most", "packets/s", "bytes", "core%", "others",
			"loss%", "p50", "p99", "join50", "joined", "cpu", "never", "MB")
		for _, target := range targets {
			if rounds := runs[name][target]; len(rounds) > 0 {
				row(target, rounds)
			}
		}
		showRatios(runs[name], targets)
	}
	return nil
}
