// Loads a server of rooms with participants and measures what its forwarding costs and how good it is.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/pion/webrtc/v3"
)

type scenario struct {
	Name        string `json:"name"`
	Target      string `json:"target"`
	rooms       int
	publishers  int // of each room
	subscribers int // of each room, who only receive
	meet        bool
	audio       bool
	videoPps    int
	joinPps     int
	videoBytes  int
	burst       int
	decode      int // participants that decode
	parallel    int // joins at once
	warmUp      time.Duration
	window      time.Duration
	core        int
	drain       time.Duration
	timeout     time.Duration
	limit       bool // search for the highest rate
}

func parseFlags() (o scenario, url, secret, address, out string, pid int) {
	flag.StringVar(&o.Name, "name", "", "name of the scenario in the results")
	flag.StringVar(&o.Target, "target", "zvonok", "zvonok, janus, mediasoup or pion")
	flag.StringVar(&url, "url", "ws://127.0.0.1:5000", "of the server's signalling")
	flag.StringVar(&secret, "secret", "", "JWT_SECRET of the server")
	flag.StringVar(&address, "address", "127.0.0.1", "address for the participants' media sockets")
	flag.StringVar(&out, "out", "", "file that gets the result as a line of JSON")
	flag.IntVar(&pid, "pid", 0, "process of the server; what it started counts with it")
	flag.IntVar(&o.core, "core", -1, "core of the server, to tell what others took from it")
	flag.IntVar(&o.rooms, "rooms", 1, "rooms")
	flag.IntVar(&o.publishers, "publishers", 1, "publishers of each room")
	flag.IntVar(&o.subscribers, "subscribers", 10, "participants of each room who only receive")
	flag.BoolVar(&o.meet, "meet", false, "publishers receive each other")
	flag.BoolVar(&o.audio, "audio", true, "publish audio: 50 packets a second")
	flag.IntVar(&o.videoPps, "video", 0, "publish video: packets a second; 0: none")
	flag.IntVar(&o.joinPps, "join-video", 0, "packets a second until all have joined; 0: as later")
	flag.IntVar(&o.videoBytes, "video-bytes", 1100, "payload of a video packet")
	flag.IntVar(&o.burst, "burst", 4, "packets of a frame sent at once, then 5 ms nothing")
	flag.IntVar(&o.decode, "decode", 4, "receiving participants that decode all they get; the others count headers")
	flag.IntVar(&o.parallel, "parallel", 20, "joins at once; 0: all")
	flag.DurationVar(&o.warmUp, "warm-up", 1500*time.Millisecond, "between the last join and the window")
	flag.DurationVar(&o.window, "window", 5*time.Second, "measured")
	flag.DurationVar(&o.drain, "drain", 500*time.Millisecond, "after the window, for what is under way")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Second, "for all to have joined")
	flag.BoolVar(&o.limit, "limit", false, "search for the highest rate of video at which next to nothing is lost, in windows")
	flag.Parse()
	return
}

func newWorld(o *scenario, url, secret, address string) (*world, error) {
	loop, err := newReceiveLoop()
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	w := &world{options: o, loop: loop, certificate: certificate, address: net.ParseIP(address)}
	switch o.Target {
	case "janus":
		w.adapter = &janus{url: url}
	case "mediasoup":
		w.adapter = &mediasoup{url: url}
	case "zvonok":
		w.adapter = &dialect{url: url, secret: secret, asksForOffer: true}
	case "pion":
		w.adapter = &dialect{url: url, secret: secret}
	default:
		return nil, fmt.Errorf("unknown target %q", o.Target)
	}
	return w, nil
}

// populate makes the participants of all rooms: the publishers first.
func (w *world) populate() ([]*participant, error) {
	o := w.options
	var all []*participant
	decoding, tracks := 0, uint32(0)
	perPublisher := 0
	if o.audio {
		perPublisher++
	}
	if o.videoPps > 0 {
		perPublisher++
	}
	for i := 0; i < o.publishers+o.subscribers; i++ {
		for room := 1; room <= o.rooms; room++ {
			publishes := i < o.publishers
			p := &participant{name: fmt.Sprintf("p%d-%d", room, i), room: room, world: w, stop: make(chan struct{}),
				receives: o.meet || !publishes, expected: o.publishers * perPublisher}
			if publishes {
				p.expected -= perPublisher
			}
			decodes := p.receives && decoding < o.decode
			if decodes {
				decoding++
			}
			p.received = newReceived(decodes)
			for _, k := range []kind{audio, video} {
				if !publishes || (k == audio && !o.audio) || (k == video && o.videoPps == 0) {
					continue
				}
				tracks++
				s, err := newSource(tracks, k, o)
				if err != nil {
					return nil, err
				}
				p.sources = append(p.sources, s)
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// each runs f for all of them, at most `parallel` at once.
func each(all []*participant, parallel int, f func(*participant) error) {
	if parallel <= 0 {
		parallel = len(all)
	}
	var group sync.WaitGroup
	places := make(chan struct{}, parallel)
	for _, p := range all {
		p := p
		places <- struct{}{}
		group.Add(1)
		go func() {
			defer group.Done()
			if err := f(p); err != nil {
				p.fail(fmt.Errorf("%s: %w", p.name, err))
			}
			<-places
		}()
	}
	group.Wait()
}

func until(timeout time.Duration, done func() bool) bool {
	for end := time.Now().Add(timeout); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func countIncomplete(all []*participant) int {
	n := 0
	for _, p := range all {
		if !p.complete() {
			n++
		}
	}
	return n
}

// join brings all in: publishers, then whoever receives.
func (w *world) join(all []*participant) {
	var publishers []*participant
	byRoom := map[int][]*participant{}
	for _, p := range all {
		if len(p.sources) > 0 {
			publishers = append(publishers, p)
			byRoom[p.room] = append(byRoom[p.room], p)
		}
	}
	now := func() int64 { return int64(time.Since(epoch)) }
	each(publishers, 20, func(p *participant) error {
		p.begun = now()
		return w.adapter.enter(p)
	})
	until(w.options.timeout, func() bool {
		for _, p := range publishers {
			if p.connected.Load() == 0 && p.failed() == nil {
				return false
			}
		}
		return true
	})
	w.storm, _ = w.sample(w.server)
	each(all, w.options.parallel, func(p *participant) error {
		if len(p.sources) == 0 {
			p.begun = now()
		}
		return w.adapter.receive(p, byRoom[p.room])
	})
	until(w.options.timeout, func() bool { return countIncomplete(all) == 0 })
}

// joining brings all in and says what that took.
func (w *world) joining(all []*participant, server processes) (*result, error) {
	r := &result{MemoryBefore: server.memory()}
	before, err := w.sample(server)
	if err != nil {
		return nil, err
	}
	w.join(all)
	after, err := w.sample(server)
	if err != nil {
		return nil, err
	}
	r.JoinCpuMillis = (after.server - before.server) * 1000 / float64(len(all))
	if seconds := after.at.Sub(w.storm.at).Seconds(); seconds > 0 {
		r.JoinServerCore = 100 * (after.server - w.storm.server) / seconds
		r.JoinGeneratorCore = 100 * (after.generator - w.storm.generator) / seconds
	}
	r.MemoryJoined = server.memory()
	return r, nil
}

func (w *world) result(all []*participant, pid int) (*result, error) {
	server, err := findProcesses(pid)
	if err != nil {
		return nil, err
	}
	w.server = server
	joined, err := w.joining(all, server)
	if err != nil {
		return nil, err
	}
	allJoined.Store(true)
	measure := w.measure
	if w.options.limit {
		measure = w.findLimit
	}
	r, err := measure(all, server)
	if err != nil {
		return nil, err
	}
	r.JoinCpuMillis, r.JoinServerCore, r.JoinGeneratorCore = joined.JoinCpuMillis, joined.JoinServerCore, joined.JoinGeneratorCore
	r.MemoryBefore, r.MemoryJoined, r.MemoryEnd = joined.MemoryBefore, joined.MemoryJoined, server.memory()
	r.judgeJoins(all)
	return r, nil
}

func run() error {
	o, url, secret, address, out, pid := parseFlags()
	runtime.GOMAXPROCS(4) // so that a thread that waits in a system call keeps none of the others waiting
	w, err := newWorld(&o, url, secret, address)
	if err != nil {
		return err
	}
	if err := w.adapter.prepare(o.rooms); err != nil {
		return err
	}
	all, err := w.populate()
	if err != nil {
		return err
	}
	r, err := w.result(all, pid)
	if err != nil {
		return err
	}
	each(all, 50, func(p *participant) error { p.close(); return nil })
	fmt.Println(r.text())
	return r.append(out)
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "report" {
		if err := report(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
