package main

// What one participant receives: counted by RTP headers for all, and by the stamps in the payloads for those that
// decode.

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

const (
	seenWindow   = 4096 // packets back within which a duplicate or a late packet is known as such
	arrivalsKept = 4096
	stampBytes   = 24
	stampMagic   = 0x5a564f4b
)

// stamp ends each payload: servers may rewrite what stands before it, such as VP8's picture ids.
type stamp struct {
	track    uint32
	sequence uint64
	sentAt   int64 // nanoseconds of the wall clock
}

func (s stamp) write(payload []byte) {
	at := payload[len(payload)-stampBytes:]
	binary.BigEndian.PutUint32(at, stampMagic)
	binary.BigEndian.PutUint32(at[4:], s.track)
	binary.BigEndian.PutUint64(at[8:], s.sequence)
	binary.BigEndian.PutUint64(at[16:], uint64(s.sentAt))
}

func readStamp(payload []byte) (stamp, bool) {
	if len(payload) < stampBytes {
		return stamp{}, false
	}
	at := payload[len(payload)-stampBytes:]
	if binary.BigEndian.Uint32(at) != stampMagic {
		return stamp{}, false
	}
	return stamp{
		track:    binary.BigEndian.Uint32(at[4:]),
		sequence: binary.BigEndian.Uint64(at[8:]),
		sentAt:   int64(binary.BigEndian.Uint64(at[16:])),
	}, true
}

// seen tells duplicates and late packets of one sequence.
type seen struct {
	begun   bool
	highest uint64
	bits    [seenWindow / 64]uint64
}

type verdict int

const (
	isNew verdict = iota
	isLate
	isDuplicate
)

func (s *seen) set(sequence uint64) bool {
	word, bit := sequence%seenWindow/64, uint64(1)<<(sequence%64)
	was := s.bits[word]&bit != 0
	s.bits[word] |= bit
	return was
}

func (s *seen) add(sequence uint64) verdict {
	if !s.begun || sequence > s.highest {
		if !s.begun || sequence-s.highest >= seenWindow {
			s.bits = [seenWindow / 64]uint64{}
		} else {
			for i := s.highest + 1; i < sequence; i++ {
				s.bits[i%seenWindow/64] &^= 1 << (i % 64)
			}
			s.bits[sequence%seenWindow/64] &^= 1 << (sequence % 64)
		}
		s.begun = true
		s.highest = sequence
		s.set(sequence)
		return isNew
	}
	if s.highest-sequence >= seenWindow || s.set(sequence) {
		return isDuplicate
	}
	return isLate
}

// stream is one SSRC, by its headers.
type stream struct {
	ssrc       uint32
	seen       seen
	first      uint64
	unique     uint64
	duplicates uint64
	late       uint64
	// Of participants that decode: when the kernel got the packet, by the low bits of the sequence number.
	arrivals []atomic.Int64
}

func (s *stream) extend(low uint16) uint64 {
	if !s.seen.begun {
		return 1<<32 | uint64(low)
	}
	return uint64(int64(s.seen.highest) + int64(int16(low-uint16(s.seen.highest))))
}

// counts are sums over the streams of participants.
type counts struct {
	Streams    int    `json:"streams"`
	Packets    uint64 `json:"packets"` // unique ones
	Lost       uint64 `json:"lost"`
	Duplicates uint64 `json:"duplicates"`
	Late       uint64 `json:"reordered"`
	Bytes      uint64 `json:"bytes"`
}

type mark struct{ highest, unique, duplicates, late uint64 }

// received belongs to the receive loop, but for what its comment says.
type received struct {
	decodes bool // constant

	streams map[uint32]*stream
	last    *stream
	bytes   uint64
	marks   map[uint32]mark
	marked  uint64 // bytes

	firstRtp atomic.Int64 // nanoseconds since `epoch`, 0: none yet
	sources  atomic.Int32 // how many streams have begun

	mutex   sync.Mutex
	decoded map[uint32]*decodedTrack
	byssrc  map[uint32]*stream
}

var epoch = time.Now()

func newReceived(decodes bool) *received {
	return &received{decodes: decodes, streams: map[uint32]*stream{}, byssrc: map[uint32]*stream{},
		decoded: map[uint32]*decodedTrack{}}
}

func (r *received) onRtp(p []byte, at int64) {
	ssrc := binary.BigEndian.Uint32(p[8:])
	s := r.last
	if s == nil || s.ssrc != ssrc {
		if s = r.streams[ssrc]; s == nil {
			s = r.begin(ssrc)
		}
		r.last = s
	}
	r.bytes += uint64(len(p))
	low := binary.BigEndian.Uint16(p[2:])
	sequence := s.extend(low)
	if !s.seen.begun {
		s.first = sequence
	}
	if s.arrivals != nil && at != 0 {
		s.arrivals[low%arrivalsKept].Store(at)
	}
	switch s.seen.add(sequence) {
	case isNew:
		s.unique++
	case isLate:
		s.unique++
		s.late++
	case isDuplicate:
		s.duplicates++
	}
}

func (r *received) begin(ssrc uint32) *stream {
	s := &stream{ssrc: ssrc}
	if r.decodes {
		s.arrivals = make([]atomic.Int64, arrivalsKept)
		r.mutex.Lock()
		r.byssrc[ssrc] = s
		r.mutex.Unlock()
	}
	r.streams[ssrc] = s
	r.firstRtp.CompareAndSwap(0, int64(time.Since(epoch)))
	r.sources.Add(1)
	return s
}

// mark begins a window.
func (r *received) mark() {
	r.marks = map[uint32]mark{}
	for ssrc, s := range r.streams {
		r.marks[ssrc] = mark{s.seen.highest, s.unique, s.duplicates, s.late}
	}
	r.marked = r.bytes
}

// sinceMark adds the window's counts. Loss is what is missing between the first and the last number of each stream.
func (r *received) sinceMark(to *counts) {
	for ssrc, s := range r.streams {
		m, known := r.marks[ssrc]
		if !known {
			m = mark{highest: s.first - 1}
		}
		unique := s.unique - m.unique
		if unique == 0 {
			continue
		}
		to.Streams++
		to.Packets += unique
		if span := s.seen.highest - m.highest; span > unique {
			to.Lost += span - unique
		}
		to.Duplicates += s.duplicates - m.duplicates
		to.Late += s.late - m.late
	}
	to.Bytes += r.bytes - r.marked
}

// decodedTrack is one publisher's track at one participant, by its stamps.
type decodedTrack struct {
	seen       seen
	sentAt     []int64 // of each unique packet
	delays     []int64 // nanoseconds, likewise
	duplicates int
	foreign    int // payloads without a stamp
}

// onDecoded is called by Pion's readers.
func (r *received) onDecoded(ssrc uint32, sequence uint16, payload []byte) {
	now := time.Now().UnixNano()
	st, good := readStamp(payload)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if s := r.byssrc[ssrc]; s != nil {
		if at := s.arrivals[sequence%arrivalsKept].Load(); at != 0 {
			now = at
		}
	}
	track := r.decoded[st.track]
	if track == nil {
		track = &decodedTrack{}
		r.decoded[st.track] = track
	}
	if !good {
		track.foreign++
		return
	}
	if track.seen.add(st.sequence) == isDuplicate {
		track.duplicates++
		return
	}
	track.sentAt = append(track.sentAt, st.sentAt)
	track.delays = append(track.delays, now-st.sentAt)
}
