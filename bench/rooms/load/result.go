package main

// The result of one run.

import (
	"fmt"
	"os"
	"sort"
	"time"
)

type result struct {
	Name   string `json:"name"`
	Target string `json:"target"`

	Participants int      `json:"participants"`
	Unjoined     int      `json:"unjoined"` // without a connection or without a stream they should get
	Failures     []string `json:"failures,omitempty"`

	Seconds         float64 `json:"seconds"`
	ServerCpu       float64 `json:"serverCpuSeconds"`
	GeneratorCpu    float64 `json:"generatorCpuSeconds"`
	Others          float64 `json:"othersOnServerCoreSeconds"` // of the core, but not of the server: compilers, say
	ServerWaited    float64 `json:"serverWaitedSeconds"`       // for a core
	GeneratorWaited float64 `json:"generatorWaitedSeconds"`
	ServerRss       int64   `json:"serverRssBytes"`
	Headers         counts  `json:"byHeaders"`
	Expected        uint64  `json:"expectedPackets"` // what the publishers sent, times who should get it
	PacketBytes     float64 `json:"packetBytes"`     // mean UDP payload
	MicrosPerPacket float64 `json:"microsPerPacket"`

	Decoded           int     `json:"decodedPackets"`
	DecodedExpected   int     `json:"decodedExpected"`
	DecodedLost       int     `json:"decodedLost"`
	DecodedDuplicates int     `json:"decodedDuplicates"`
	Foreign           int     `json:"withoutStamp"`
	DelayP50          float64 `json:"delayP50Micros"`
	DelayP99          float64 `json:"delayP99Micros"`
	DelayMax          float64 `json:"delayMaxMicros"`

	OpenedP50    float64 `json:"openedP50Millis"` // stages of the join: the WebSocket, the server's description, DTLS
	DescribedP50 float64 `json:"describedP50Millis"`
	ConnectedP50 float64 `json:"connectedP50Millis"`

	JoinCpuMillis float64 `json:"joinCpuMillis"` // of the server for each participant; the first media included

	JoinP50 float64 `json:"joinP50Millis"` // from making the connection and its signalling to the first RTP
	JoinP99 float64 `json:"joinP99Millis"`
	JoinMax float64 `json:"joinMaxMillis"`

	KeyFrames      uint64 `json:"keyFrames"`
	SendFailures   uint64 `json:"sendFailures"`
	ServerDrops    uint64 `json:"serverSocketDrops"`
	GeneratorDrops uint64 `json:"generatorSocketDrops"`
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// measure waits for the window and fills the result.
func (w *world) measure(all []*participant, pid int) (*result, error) {
	o := w.options
	r := &result{Name: o.Name, Target: o.Target, Participants: len(all), Unjoined: countIncomplete(all)}
	time.Sleep(o.warmUp)
	w.loop.run(func() {
		for _, p := range all {
			p.received.mark()
		}
	})
	begin, begun := time.Now().UnixNano(), time.Now()
	drops := []uint64{socketDrops(pid), socketDrops(os.Getpid())}
	server, err := cpuSeconds(pid)
	if err != nil {
		return nil, err
	}
	generator, _ := cpuSeconds(os.Getpid())
	busy := busySeconds(o.core)
	waited := []float64{waitedSeconds(pid), waitedSeconds(os.Getpid())}
	time.Sleep(o.window)
	serverEnd, err := cpuSeconds(pid)
	if err != nil {
		return nil, fmt.Errorf("the server is gone: %w", err)
	}
	w.loop.run(func() {
		for _, p := range all {
			p.received.sinceMark(&r.Headers)
		}
	})
	generatorEnd, _ := cpuSeconds(os.Getpid())
	r.Others = busySeconds(o.core) - busy - (serverEnd - server)
	r.ServerWaited, r.GeneratorWaited = waitedSeconds(pid)-waited[0], waitedSeconds(os.Getpid())-waited[1]
	end := time.Now().UnixNano()
	r.Seconds = time.Since(begun).Seconds()
	time.Sleep(o.drain)
	r.ServerCpu, r.GeneratorCpu = serverEnd-server, generatorEnd-generator
	r.ServerRss = residentBytes(pid)
	r.ServerDrops = socketDrops(pid) - drops[0]
	r.GeneratorDrops = socketDrops(os.Getpid()) - drops[1]
	if r.Headers.Packets > 0 {
		r.MicrosPerPacket = r.ServerCpu / float64(r.Headers.Packets) * 1e6
		r.PacketBytes = float64(r.Headers.Bytes) / float64(r.Headers.Packets+r.Headers.Duplicates)
	}
	r.judgeDecoded(all, begin, end)
	r.judgeJoins(all)
	return r, nil
}

func (r *result) judgeDecoded(all []*participant, begin, end int64) {
	var delays []float64
	for _, p := range all {
		for _, other := range all {
			if !p.receives || other == p || other.room != p.room {
				continue
			}
			for _, s := range other.sources {
				sent := s.sentIn(begin, end)
				r.Expected += uint64(sent)
				if !p.received.decodes {
					continue
				}
				r.DecodedExpected += sent
				p.received.mutex.Lock()
				if track := p.received.decoded[s.id]; track != nil {
					for i, at := range track.sentAt {
						if at >= begin && at < end {
							r.Decoded++
							delays = append(delays, float64(track.delays[i])/1000)
						}
					}
					r.DecodedDuplicates += track.duplicates
				}
				p.received.mutex.Unlock()
			}
		}
		if foreign := p.received.decoded[0]; foreign != nil {
			r.Foreign += foreign.foreign
		}
		for _, s := range p.sources {
			r.KeyFrames += s.keys.Load()
			r.SendFailures += s.failures.Load()
		}
	}
	r.DecodedLost = r.DecodedExpected - r.Decoded
	sort.Float64s(delays)
	r.DelayP50, r.DelayP99, r.DelayMax = quantile(delays, .5), quantile(delays, .99), quantile(delays, 1)
}

func (r *result) judgeJoins(all []*participant) {
	var joins []float64
	var stages [3][]float64
	for _, p := range all {
		if err := p.failed(); err != nil && len(r.Failures) < 5 {
			r.Failures = append(r.Failures, err.Error())
		}
		if at := p.received.firstRtp.Load(); at != 0 && len(p.sources) == 0 {
			joins = append(joins, float64(at-p.begun)/1e6)
			for i, at := range []int64{p.opened.Load(), p.described.Load(), p.connected.Load()} {
				stages[i] = append(stages[i], float64(at-p.begun)/1e6)
			}
		}
	}
	for i := range stages {
		sort.Float64s(stages[i])
	}
	r.OpenedP50, r.DescribedP50, r.ConnectedP50 = quantile(stages[0], .5), quantile(stages[1], .5), quantile(stages[2], .5)
	sort.Float64s(joins)
	r.JoinP50, r.JoinP99, r.JoinMax = quantile(joins, .5), quantile(joins, .99), quantile(joins, 1)
}

func (r *result) perSecond() float64 { return float64(r.Headers.Packets) / r.Seconds }

// lossPercent is of all that should have arrived: also of what never did.
func (r *result) lossPercent() float64 {
	if r.DecodedExpected == 0 {
		return 0
	}
	return 100 * float64(r.DecodedLost) / float64(r.DecodedExpected)
}

func (r *result) text() string {
	percent := func(seconds float64) float64 { return 100 * seconds / r.Seconds }
	s := fmt.Sprintf("%-9s %-7s %5.2f us/packet | %.0f packets/s of %.0f B", r.Name, r.Target, r.MicrosPerPacket, r.perSecond(),
		r.PacketBytes)
	s += fmt.Sprintf(" | server %.0f%% (others on its core %.0f%%, waits %.0f%%), generator %.0f%% (waits %.0f%%)", percent(r.ServerCpu), percent(r.Others),
		percent(r.ServerWaited), percent(r.GeneratorCpu), percent(r.GeneratorWaited))
	s += fmt.Sprintf(" | loss %.3f%% (by headers %d, duplicates %d, reordered %d, socket drops %d %d)", r.lossPercent(),
		r.Headers.Lost, r.Headers.Duplicates, r.Headers.Late, r.ServerDrops, r.GeneratorDrops)
	s += fmt.Sprintf(" | delay p50 %.0f p99 %.0f max %.0f us", r.DelayP50, r.DelayP99, r.DelayMax)
	s += fmt.Sprintf(" | join: socket %.0f description %.0f DTLS %.0f first RTP %.0f, p99 %.0f, last %.0f ms, %.2f ms CPU each",
		r.OpenedP50, r.DescribedP50, r.ConnectedP50, r.JoinP50, r.JoinP99, r.JoinMax, r.JoinCpuMillis)
	s += fmt.Sprintf(" | never joined %d of %d | %d MB", r.Unjoined, r.Participants, r.ServerRss>>20)
	for _, failure := range r.Failures {
		s += "\n    " + failure
	}
	return s
}
