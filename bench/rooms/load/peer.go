package main

// One participant: its Pion connections and what it publishes and receives. How it gets into a room is its adapter's.

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/webrtc/v3"
)

type participant struct {
	name     string
	room     int
	receives bool
	expected int // streams
	sources  []*source
	received *received

	world     *world
	connected atomic.Int64 // nanoseconds since `epoch`
	begun     int64        // likewise, as the two below
	opened    atomic.Int64 // the WebSocket
	described atomic.Int64 // the server's description came
	stop      chan struct{}
	once      sync.Once

	mutex   sync.Mutex
	closers []func()
	failure error
}

// world is what all participants share.
type world struct {
	options     *scenario
	loop        *receiveLoop
	certificate *webrtc.Certificate
	address     net.IP
	adapter     adapter
	server      processes
	storm       sample // when those who only receive began to join
}

// adapter speaks a server's signalling.
type adapter interface {
	// prepare makes the rooms, where the server doesn't by itself.
	prepare(rooms int) error
	// enter publishes the participant's sources.
	enter(p *participant) error
	// receive begins to receive what the others of the room publish. Called once, when all publishers are in.
	receive(p *participant, publishers []*participant) error
}

func (p *participant) fail(err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.failure == nil {
		p.failure = err
	}
}

func (p *participant) failed() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.failure
}

func (p *participant) onClose(f func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.closers = append(p.closers, f)
}

func (p *participant) close() {
	p.once.Do(func() { close(p.stop) })
	p.mutex.Lock()
	closers := p.closers
	p.closers = nil
	p.mutex.Unlock()
	for i := len(closers) - 1; i >= 0; i-- {
		closers[i]()
	}
}

// complete: all of its streams have begun.
func (p *participant) complete() bool {
	if p.connected.Load() == 0 {
		return false
	}
	return !p.receives || int(p.received.sources.Load()) >= p.expected
}

func mediaEngine(o *scenario) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	opus := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine: "minptime=10;useinbandfec=1"},
		PayloadType: 111,
	}
	vp8 := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock,
			RTCPFeedback: feedback},
		PayloadType: 96,
	}
	if err := m.RegisterCodec(opus, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	if err := m.RegisterCodec(vp8, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	both := []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}
	for _, of := range both {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: midUri}, of); err != nil {
			return nil, err
		}
	}
	level := webrtc.RTPHeaderExtensionCapability{URI: audioLevelUri}
	return m, m.RegisterHeaderExtension(level, webrtc.RTPCodecTypeAudio)
}

// connection makes a connection without interceptors: no reports, no NACK, nothing between the socket and ReadRTP.
func (p *participant) connection() (*webrtc.PeerConnection, error) {
	m, err := mediaEngine(p.world.options)
	if err != nil {
		return nil, err
	}
	sockets, err := newParticipantNet(p.world.loop, p.received)
	if err != nil {
		return nil, err
	}
	s := webrtc.SettingEngine{}
	s.SetNet(sockets)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetIncludeLoopbackCandidate(true)
	s.SetIPFilter(func(ip net.IP) bool { return ip.Equal(p.world.address) })
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	// By default Pion answers an ICE-lite offerer as passive, even while it is the active one of an association.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
		return nil, err
	}
	s.SetHostAcceptanceMinWait(0)
	s.SetPrflxAcceptanceMinWait(0)
	s.DisableSRTPReplayProtection(true) // so that duplicates are seen
	api := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s))
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{*p.world.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, err
	}
	p.onClose(func() { _ = pc.Close() })
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.read(track) })
	return pc, nil
}

// publish adds the sources; they send from when the connection is up. Sections that are `Sendrecv` may carry back what
// others publish, as those of browsers.
func (p *participant) publish(pc *webrtc.PeerConnection, direction webrtc.RTPTransceiverDirection) error {
	for _, s := range p.sources {
		transceiver, err := pc.AddTransceiverFromTrack(s.track, webrtc.RTPTransceiverInit{Direction: direction})
		if err != nil {
			return err
		}
		s.sender = transceiver.Sender()
	}
	return nil
}

// watch tells when the connection is up; the first of a participant counts.
func (p *participant) watch(pc *webrtc.PeerConnection, up func()) {
	var once sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			p.connected.CompareAndSwap(0, int64(time.Since(epoch)))
			once.Do(up)
		case webrtc.PeerConnectionStateFailed:
			p.fail(fmt.Errorf("%s: the connection failed", p.name))
		}
	})
}

func (p *participant) startSources() {
	for _, s := range p.sources {
		s.start(p.stop)
	}
}

func (p *participant) read(track *webrtc.TrackRemote) {
	if !p.received.decodes {
		return
	}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		p.received.onDecoded(uint32(packet.SSRC), packet.SequenceNumber, packet.Payload)
	}
}

// answer applies an offer and gives the answer to it.
func answer(pc *webrtc.PeerConnection, offer string) (string, error) {
	err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return "", err
	}
	// Pion can't gather twice at once, and begins to with each local description.
	if pc.ICEGatheringState() == webrtc.ICEGatheringStateGathering {
		<-webrtc.GatheringCompletePromise(pc)
	}
	description, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return description.SDP, pc.SetLocalDescription(description)
}

func offer(pc *webrtc.PeerConnection) (string, error) {
	description, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return description.SDP, pc.SetLocalDescription(description)
}
