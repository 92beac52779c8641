package main

// What publishers send: packets of the shape of Opus and of VP8, each with a stamp at its end.

import (
	"fmt"
	"math/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

const (
	audioPayloadBytes = 100
	audioInterval     = 20 * time.Millisecond
	audioTicks        = 960
	videoFrames       = 30 // a second
	videoBurstsMax    = 5  // of a frame: they take 20 of its 33 ms
	videoClock        = 90000
	burstInterval     = 5 * time.Millisecond // as browsers' pacers do
	audioLevelUri     = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	midUri            = "urn:ietf:params:rtp-hdrext:sdes:mid"
)

type kind int

const (
	audio kind = iota
	video
)

var allJoined atomic.Bool

// videoRate is packets of video a second of every source while a limit is searched for; 0: as the scenario says, and
// `silence`: none.
var videoRate atomic.Int64

const silence = -1

// source is one published track.
type source struct {
	id      uint32
	kind    kind
	track   *webrtc.TrackLocalStaticRTP
	sender  *webrtc.RTPSender
	payload []byte
	pps     int // of video
	joinPps int // likewise, until all have joined; 0: the same
	burst   int

	wantsKey atomic.Bool
	keys     atomic.Uint64
	failures atomic.Uint64

	mutex  sync.Mutex
	sentAt []int64 // of each packet; its index is the stamp's sequence

	sequence uint16
	level    uint8
	levelId  uint8
	picture  uint16
}

func newSource(id uint32, k kind, options *scenario) (*source, error) {
	s := &source{id: id, kind: k, burst: options.burst, level: uint8(20 + id*7%60)}
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	size := audioPayloadBytes
	if k == video {
		capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock}
		size = options.videoBytes
		s.pps, s.joinPps = options.videoPps, options.joinPps
	}
	s.payload = make([]byte, size)
	rand.New(rand.NewSource(int64(id))).Read(s.payload)
	var err error
	s.track, err = webrtc.NewTrackLocalStaticRTP(capability, fmt.Sprintf("track%d", id), fmt.Sprintf("stream%d", id))
	return s, err
}

// start is called once the connection is up. Ends when stop is closed.
func (s *source) start(stop <-chan struct{}) {
	for _, extension := range s.sender.GetParameters().HeaderExtensions {
		if extension.URI == audioLevelUri {
			s.levelId = uint8(extension.ID)
		}
	}
	s.wantsKey.Store(true)
	go s.readFeedback()
	if s.kind == audio {
		go s.sendAudio(stop)
	} else {
		go s.sendVideo(stop)
	}
}

func (s *source) readFeedback() {
	for {
		packets, _, err := s.sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				s.wantsKey.Store(true)
			}
		}
	}
}

func (s *source) send(header rtp.Header, payload []byte) {
	header.Version = 2
	header.SequenceNumber = s.sequence
	s.sequence++
	now := time.Now().UnixNano()
	s.mutex.Lock()
	index := len(s.sentAt)
	stamp{s.id, uint64(index), now}.write(payload)
	s.sentAt = append(s.sentAt, now)
	s.mutex.Unlock()
	if s.track.WriteRTP(&rtp.Packet{Header: header, Payload: payload}) != nil {
		s.failures.Add(1)
		s.mutex.Lock()
		s.sentAt[index] = 0 // no server's loss
		s.mutex.Unlock()
	}
}

// sentIn is how many packets it sent from `begin` until before `end`.
func (s *source) sentIn(begin, end int64) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for _, at := range s.sentAt {
		if at >= begin && at < end {
			n++
		}
	}
	return n
}

// ticker calls f at even times without drifting, beginning at a phase of its own.
func ticker(id uint32, interval time.Duration, stop <-chan struct{}, f func()) {
	next := time.Now().Add(time.Duration(rand.New(rand.NewSource(int64(id))).Int63n(int64(interval))))
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(next)):
		}
		f()
		if next = next.Add(interval); time.Since(next) > time.Second {
			next = time.Now() // it was stopped for long: no need to catch up
		}
	}
}

func (s *source) sendAudio(stop <-chan struct{}) {
	timestamp := s.id
	ticker(s.id, audioInterval, stop, func() {
		header := rtp.Header{Timestamp: timestamp}
		if s.levelId != 0 {
			_ = header.SetExtension(s.levelId, []byte{0x80 | s.level})
		}
		s.send(header, s.payload)
		timestamp += audioTicks
	})
}

// vp8 writes the payload descriptor (RFC 7741 section 4.2) and the frame header (section 4.3).
func (s *source) vp8(first, key bool) {
	p := s.payload
	p[0] = 0x80 // X
	if first {
		p[0] |= 0x10 // S, partition 0
	}
	p[1] = 0x80 // I
	p[2] = 0x80 | byte(s.picture>>8&0x7f)
	p[3] = byte(s.picture)
	if !first {
		return
	}
	size := uint32(len(p)) << 5
	p[4] = byte(size) | 0x10 // shown
	p[5], p[6] = byte(size>>8), byte(size>>16)
	if !key {
		p[4] |= 1
		return
	}
	copy(p[7:], []byte{0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}) // 640 x 360
}

// wanted is packets a second that it is to send.
func (s *source) wanted() int {
	if s.kind == audio {
		return int(time.Second / audioInterval)
	}
	return s.rate()
}

// rate is packets of video a second: fewer while participants join, where that is wanted.
func (s *source) rate() int {
	switch now := videoRate.Load(); {
	case now == silence:
		return 0
	case now > 0:
		return int(now)
	}
	if s.joinPps > 0 && !allJoined.Load() {
		return s.joinPps
	}
	return s.pps
}

func (s *source) sendVideo(stop <-chan struct{}) {
	timestamp, owed := s.id, 0
	ticker(s.id, time.Second/videoFrames, stop, func() {
		owed += s.rate()
		packets := owed / videoFrames
		owed -= packets * videoFrames
		key := packets > 0 && s.wantsKey.Swap(false)
		if key {
			s.keys.Add(1)
		}
		burst := s.burst
		if least := (packets + videoBurstsMax - 1) / videoBurstsMax; burst < least {
			burst = least
		}
		for i := 0; i < packets && videoRate.Load() != silence; i++ {
			if i > 0 && i%burst == 0 {
				time.Sleep(burstInterval)
			}
			s.vp8(i == 0, key)
			s.send(rtp.Header{Timestamp: timestamp, Marker: i == packets-1}, s.payload)
		}
		if packets > 0 {
			s.picture++
			timestamp += videoClock / videoFrames
		}
	})
}
