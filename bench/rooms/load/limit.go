package main

// The search for the highest rate of packets at which next to nothing is lost: the scenario `limit`.

import (
	"fmt"
	"os"
	"time"
)

const (
	limitLossPercent = 0.1
	limitLoud        = 15
	limitFirst       = 100 // packets a second of each publisher's video
	limitHighest     = 12800
	limitClose       = 1.04 // how near to each other the last good and the first bad rate end
	limitPatience    = 120 * time.Second
	lateBy           = 100 * time.Millisecond // what comes later after a window is lost: the server had a queue
	quietFor         = 150 * time.Millisecond
	quietPatience    = 3 * time.Second
)

// trial is one window at one rate.
type trial struct {
	rate    int
	result  *result
	loss    float64 // percent, of all who receive
	own     string  // what of the generator's own kept it from being a fair one
	failure error
}

func (t *trial) good() bool { return t.failure == nil && t.own == "" && t.loss < limitLossPercent }

func (w *world) packetsReceived(all []*participant) uint64 {
	var c counts
	w.loop.run(func() {
		for _, p := range all {
			p.received.sinceMark(&c)
		}
	})
	return c.Packets
}

// awaitQuiet waits until nothing arrives any more.
func (w *world) awaitQuiet(all []*participant) {
	end := time.Now().Add(quietPatience)
	for before := w.packetsReceived(all); time.Now().Before(end); {
		time.Sleep(quietFor)
		now := w.packetsReceived(all)
		if now == before {
			return
		}
		before = now
	}
}

// try sends at the rate for one window, from silence to silence: so what was sent and what came are counted exactly, for
// every participant and not only for those who decode.
func (w *world) try(all []*participant, server processes, rate int) *trial {
	o := w.options
	t := &trial{rate: rate, result: newResult(o, all)}
	w.awaitQuiet(all)
	w.mark(all)
	before, err := w.sample(server)
	if err != nil {
		t.failure = err
		return t
	}
	videoRate.Store(int64(rate))
	time.Sleep(o.window)
	videoRate.Store(silence)
	after, err := w.sample(server)
	if err != nil {
		t.failure = err
		return t
	}
	time.Sleep(lateBy)
	w.loop.run(func() {
		for _, p := range all {
			p.received.sinceMark(&t.result.Headers)
		}
	})
	w.awaitQuiet(all)
	end, _ := w.sample(server)
	t.result.fill(before, after, end)
	t.result.judgeDecoded(all, before.at.UnixNano(), end.at.UnixNano())
	// Silence has no rate, and the window's was another.
	t.result.Wanted = float64(rate*o.rooms*o.publishers*o.subscribers) * t.result.Seconds
	t.judge()
	return t
}

func (t *trial) judge() {
	r := t.result
	if r.Expected > 0 && r.Headers.Packets < r.Expected {
		t.loss = 100 * float64(r.Expected-r.Headers.Packets) / float64(r.Expected)
	}
	t.own = r.generatorLimits()
	fmt.Fprintf(os.Stderr, "    %d/s: %.3f%% lost, server %.0f%%, generator %.0f%% %s\n", t.rate, t.loss,
		r.percentOf(r.ServerCpu), r.percentOf(r.GeneratorCpu), t.own)
}

// tryTwice: a rate is too high when two windows say so, for one may have been disturbed, or when one says so loudly.
func (w *world) tryTwice(all []*participant, server processes, rate int) *trial {
	t := w.try(all, server, rate)
	if t.good() || t.failure != nil || t.loss > limitLoud {
		return t
	}
	return w.try(all, server, rate)
}

// findLimit doubles the rate until it is too high, then halves the distance. The result is that of the highest good one.
func (w *world) findLimit(all []*participant, server processes) (*result, error) {
	deadline := time.Now().Add(limitPatience)
	videoRate.Store(silence)
	var best, bad *trial
	for rate := limitFirst; rate > 0 && rate <= limitHighest && time.Now().Before(deadline); {
		t := w.tryTwice(all, server, rate)
		if t.failure != nil {
			return nil, t.failure
		}
		if t.good() {
			best = t
		} else {
			bad = t
		}
		rate = nextRate(best, bad)
	}
	if best == nil {
		if bad == nil {
			return nil, fmt.Errorf("no window was measured")
		}
		bad.result.Note = fmt.Sprintf("even %d/s is too much: %s", bad.rate, bad.why())
		return bad.result, nil
	}
	best.result.Limit = best.rate
	best.result.Note = fmt.Sprintf("%d/s to each", best.rate)
	if bad != nil {
		best.result.Note += fmt.Sprintf("; at %d/s %s", bad.rate, bad.why())
	}
	if bad == nil || float64(bad.rate) > limitClose*1.03*float64(best.rate) {
		best.result.Note += "; the search ended early: a lower bound"
	}
	return best.result, nil
}

// nextRate is 0 when the two are near enough.
func nextRate(best, bad *trial) int {
	switch {
	case bad == nil:
		return best.rate * 2
	case best == nil:
		if bad.rate <= limitFirst/8 {
			return 0
		}
		return bad.rate / 2
	case float64(bad.rate) <= limitClose*float64(best.rate):
		return 0
	}
	return (best.rate + bad.rate) / 2
}

func (t *trial) why() string {
	r := t.result
	why := fmt.Sprintf("%.2f %% lost, server's core %.0f %% (others %.0f %%)", t.loss, r.percentOf(r.ServerCpu), r.percentOf(r.Others))
	if t.own != "" {
		why = t.own + ", " + why
	}
	return why
}
