package main

// The result of one run.

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"
)

type result struct {
	Name   string `json:"name"`
	Target string `json:"target"`
	Error  string `json:"error,omitempty"` // there is nothing else then
	Note   string `json:"note,omitempty"`
	Storm  bool   `json:"storm,omitempty"` // all joined at once
	Limit  int    `json:"limit,omitempty"` // packets a second to each receiver: the highest rate that was good

	Participants int      `json:"participants"`
	Unjoined     int      `json:"unjoined"` // without a connection or without a stream they should get
	Failures     []string `json:"failures,omitempty"`

	Seconds         float64            `json:"seconds"`
	ServerCpu       float64            `json:"serverCpuSeconds"` // of all its processes
	ServerCpuOf     map[string]float64 `json:"serverCpuSecondsOf,omitempty"`
	GeneratorCpu    float64            `json:"generatorCpuSeconds"`
	Others          float64            `json:"othersOnServerCoreSeconds"` // of the core, but not of the server: compilers, say
	ServerWaited    float64            `json:"serverWaitedSeconds"`       // for a core
	GeneratorWaited float64            `json:"generatorWaitedSeconds"`
	Headers         counts             `json:"byHeaders"`
	Expected        uint64             `json:"expectedPackets"` // what the publishers sent, times who should get it
	Wanted          float64            `json:"wantedPackets"`   // likewise of what they should have sent
	PacketBytes     float64            `json:"packetBytes"`     // mean UDP payload
	MicrosPerPacket float64            `json:"microsPerPacket"`

	// PSS of the server's processes: before the first came, when all were in, after the window.
	MemoryBefore int64 `json:"memoryBeforeBytes"`
	MemoryJoined int64 `json:"memoryJoinedBytes"`
	MemoryEnd    int64 `json:"memoryEndBytes"`

	Decoded           int     `json:"decodedPackets"`
	DecodedExpected   int     `json:"decodedExpected"`
	DecodedLost       int     `json:"decodedLost"`
	DecodedDuplicates int     `json:"decodedDuplicates"`
	Foreign           int     `json:"withoutStamp"`
	DelayP50          float64 `json:"delayP50Micros"`
	DelayP99          float64 `json:"delayP99Micros"`
	DelayP999         float64 `json:"delayP999Micros"`
	DelayMax          float64 `json:"delayMaxMicros"`

	OpenedP50    float64 `json:"openedP50Millis"` // stages of the join: the WebSocket, the server's description, DTLS
	DescribedP50 float64 `json:"describedP50Millis"`
	ConnectedP50 float64 `json:"connectedP50Millis"`

	JoinCpuMillis float64 `json:"joinCpuMillis"` // of the server for each participant; the first media included

	JoinP50 float64 `json:"joinP50Millis"` // from making the connection and its signalling to the first RTP
	JoinP99 float64 `json:"joinP99Millis"`
	JoinMax float64 `json:"joinMaxMillis"`

	// Of those who only receive: how many had media a second, from the first one's beginning to the last one's first RTP,
	// and what of its core each side used meanwhile, in percent.
	JoinsPerSecond    float64 `json:"joinsPerSecond"`
	JoinServerCore    float64 `json:"joinServerCorePercent"`
	JoinGeneratorCore float64 `json:"joinGeneratorCorePercent"`

	KeyFrames      uint64 `json:"keyFrames"`
	SendFailures   uint64 `json:"sendFailures"`
	ServerDrops    uint64 `json:"serverSocketDrops"`
	GeneratorDrops uint64 `json:"generatorSocketDrops"` // and what it had no place for behind them
}

const (
	fullCore   = 93  // percent from which a core is the limit: the kernel takes some of it on its own account
	sentEnough = .95 // of what publishers should send; a window may begin and end within a frame
)

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func newResult(o *scenario, all []*participant) *result {
	return &result{Name: o.Name, Target: o.Target, Storm: o.parallel <= 0, Participants: len(all),
		Unjoined: countIncomplete(all)}
}

// sample is what is counted at one moment.
type sample struct {
	at              time.Time
	each            []float64 // CPU seconds of the server's processes
	names           processes
	server          float64
	generator       float64
	busy            float64
	serverWaited    float64
	generatorWaited float64
	serverDrops     uint64
	generatorDrops  uint64
}

func (w *world) sample(server processes) (sample, error) {
	own := os.Getpid()
	s := sample{at: time.Now(), names: server, busy: busySeconds(w.options.core)}
	var err error
	if s.each, s.server, err = server.cpu(); err != nil {
		return s, err
	}
	s.generator, _ = cpuSeconds(own)
	s.serverWaited, s.generatorWaited = server.sum(waitedSeconds), waitedSeconds(own)
	s.serverDrops, s.generatorDrops = server.socketDrops(), socketDrops(own)+w.loop.overflow()
	return s, nil
}

func (w *world) mark(all []*participant) {
	w.loop.run(func() {
		for _, p := range all {
			p.received.mark()
		}
	})
}

// fill takes times from the window, and drops until what was under way has come.
func (r *result) fill(before, after, end sample) {
	r.Seconds = after.at.Sub(before.at).Seconds()
	r.ServerCpu, r.GeneratorCpu = after.server-before.server, after.generator-before.generator
	if len(after.names) > 1 {
		r.ServerCpuOf = map[string]float64{}
		for i, one := range after.names {
			r.ServerCpuOf[one.name] += after.each[i] - before.each[i]
		}
	}
	r.Others = after.busy - before.busy - r.ServerCpu
	r.ServerWaited = after.serverWaited - before.serverWaited
	r.GeneratorWaited = after.generatorWaited - before.generatorWaited
	r.ServerDrops, r.GeneratorDrops = end.serverDrops-before.serverDrops, end.generatorDrops-before.generatorDrops
	if r.Headers.Packets > 0 {
		r.MicrosPerPacket = r.ServerCpu / float64(r.Headers.Packets) * 1e6
		r.PacketBytes = float64(r.Headers.Bytes) / float64(r.Headers.Packets+r.Headers.Duplicates)
	}
}

// measure waits for the window and makes its result.
func (w *world) measure(all []*participant, server processes) (*result, error) {
	o := w.options
	r := newResult(o, all)
	time.Sleep(o.warmUp)
	w.mark(all)
	before, err := w.sample(server)
	if err != nil {
		return nil, err
	}
	time.Sleep(o.window)
	w.loop.run(func() {
		for _, p := range all {
			p.received.sinceMark(&r.Headers)
		}
	})
	after, err := w.sample(server)
	if err != nil {
		return nil, err
	}
	time.Sleep(o.drain)
	end, err := w.sample(server)
	if err != nil {
		return nil, err
	}
	r.fill(before, after, end)
	r.judgeDecoded(all, before.at.UnixNano(), after.at.UnixNano())
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
				r.Wanted += float64(s.wanted()) * r.Seconds
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
	r.DelayP50, r.DelayP99 = quantile(delays, .5), quantile(delays, .99)
	r.DelayP999, r.DelayMax = quantile(delays, .999), quantile(delays, 1)
}

func (r *result) judgeJoins(all []*participant) {
	var joins []float64
	var first, last int64
	var stages [3][]float64
	for _, p := range all {
		if err := p.failed(); err != nil && len(r.Failures) < 5 {
			r.Failures = append(r.Failures, err.Error())
		}
		if at := p.received.firstRtp.Load(); at != 0 && len(p.sources) == 0 {
			joins = append(joins, float64(at-p.begun)/1e6)
			if first == 0 || p.begun < first {
				first = p.begun
			}
			if at > last {
				last = at
			}
			for i, at := range []int64{p.opened.Load(), p.described.Load(), p.connected.Load()} {
				stages[i] = append(stages[i], float64(at-p.begun)/1e6)
			}
		}
	}
	for i := range stages {
		sort.Float64s(stages[i])
	}
	r.OpenedP50, r.DescribedP50, r.ConnectedP50 = quantile(stages[0], .5), quantile(stages[1], .5), quantile(stages[2], .5)
	if last > first {
		r.JoinsPerSecond = float64(len(joins)) / (float64(last-first) / 1e9)
	}
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

func (r *result) percentOf(seconds float64) float64 {
	if r.Seconds == 0 {
		return 0
	}
	return 100 * seconds / r.Seconds
}

// generatorLimits tells what of the generator's own, if anything, decided the window's figures.
func (r *result) generatorLimits() string {
	switch {
	case r.percentOf(r.GeneratorCpu) >= fullCore:
		return fmt.Sprintf("generator limits: its core %.0f %%", r.percentOf(r.GeneratorCpu))
	case r.GeneratorDrops > 0:
		return fmt.Sprintf("generator limits: it dropped %d", r.GeneratorDrops)
	case float64(r.Expected) < sentEnough*r.Wanted:
		return fmt.Sprintf("generator limits: it sent %.0f %% of what it should", 100*float64(r.Expected)/r.Wanted)
	}
	return ""
}

// memoryEach is the growth for each participant, in KiB.
func (r *result) memoryEach(until int64) float64 {
	if r.Participants == 0 {
		return 0
	}
	return float64(until-r.MemoryBefore) / 1024 / float64(r.Participants)
}

func (r *result) text() string {
	s := fmt.Sprintf("%-9s %-9s %5.2f us/packet | %.0f packets/s of %.0f B", r.Name, r.Target, r.MicrosPerPacket, r.perSecond(),
		r.PacketBytes)
	s += fmt.Sprintf(" | server %.0f%% (others on its core %.0f%%, waits %.0f%%), generator %.0f%% (waits %.0f%%)",
		r.percentOf(r.ServerCpu), r.percentOf(r.Others), r.percentOf(r.ServerWaited), r.percentOf(r.GeneratorCpu),
		r.percentOf(r.GeneratorWaited))
	s += fmt.Sprintf(" | loss %.3f%% (by headers %d, duplicates %d, reordered %d, socket drops %d %d)", r.lossPercent(),
		r.Headers.Lost, r.Headers.Duplicates, r.Headers.Late, r.ServerDrops, r.GeneratorDrops)
	s += fmt.Sprintf(" | delay p50 %.0f p99 %.0f p99.9 %.0f max %.0f us", r.DelayP50, r.DelayP99, r.DelayP999, r.DelayMax)
	s += fmt.Sprintf(" | join: socket %.0f description %.0f DTLS %.0f first RTP %.0f, p99 %.0f, last %.0f ms, %.2f ms CPU each",
		r.OpenedP50, r.DescribedP50, r.ConnectedP50, r.JoinP50, r.JoinP99, r.JoinMax, r.JoinCpuMillis)
	s += fmt.Sprintf(", %.0f a second (server %.0f%%, generator %.0f%%)", r.JoinsPerSecond, r.JoinServerCore, r.JoinGeneratorCore)
	s += fmt.Sprintf(" | %.0f KiB each, %.0f after the window | never joined %d of %d", r.memoryEach(r.MemoryJoined),
		r.memoryEach(r.MemoryEnd), r.Unjoined, r.Participants)
	for name, seconds := range r.ServerCpuOf {
		s += fmt.Sprintf(" | %s %.1f%%", name, r.percentOf(seconds))
	}
	if r.Note != "" {
		s += " | " + r.Note
	}
	for _, failure := range r.Failures {
		s += "\n    " + failure
	}
	return s
}

// append adds it to a file, as a line of JSON.
func (r *result) append(path string) error {
	if path == "" {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(line, '\n'))
	return err
}
