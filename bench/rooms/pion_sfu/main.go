// A small SFU in the way of Pion's own examples (sfu-ws, broadcast): one goroutine reads a track and writes it to a
// TrackLocalStaticRTP, which seals and sends a copy to each receiver. Default codecs and interceptors. It speaks join,
// offer and answer of docs/protocol/room.md, checks no tokens, and is there to be compared with.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

type message struct {
	Type      string          `json:"type"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	RoomId    json.RawMessage `json:"roomId,omitempty"`
	SessionId string          `json:"sessionId,omitempty"`
}

type description struct {
	Type string `json:"type"`
	Sdp  string `json:"sdp"`
}

type published struct {
	track *webrtc.TrackLocalStaticRTP
	owner *peer
	ssrc  webrtc.SSRC
}

type room struct {
	mutex  sync.Mutex
	peers  map[*peer]bool
	tracks []*published
}

type peer struct {
	room *room
	pc   *webrtc.PeerConnection
	ws   *websocket.Conn

	writes sync.Mutex
	mutex  sync.Mutex // of negotiation
	joined bool       // its first offer is answered
	sent   map[*published]bool
	dirty  bool
}

type sfu struct {
	api   *webrtc.API
	mutex sync.Mutex
	rooms map[string]*room
}

func newApi(address string) (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:ssrc-audio-level"} {
		extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
		if err := m.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	i := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(m, i); err != nil {
		return nil, err
	}
	s := webrtc.SettingEngine{}
	s.SetLite(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetIncludeLoopbackCandidate(true)
	s.SetIPFilter(func(ip net.IP) bool { return ip.String() == address })
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(i), webrtc.WithSettingEngine(s)), nil
}

func (s *sfu) room(name string) *room {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.rooms[name] == nil {
		s.rooms[name] = &room{peers: map[*peer]bool{}}
	}
	return s.rooms[name]
}

func (p *peer) send(kind string, payload interface{}) {
	bytes, err := json.Marshal(payload)
	if err != nil {
		return
	}
	p.writes.Lock()
	defer p.writes.Unlock()
	_ = p.ws.WriteJSON(message{Type: kind, Payload: bytes})
}

// addTracks gives the peer what it hasn't yet; tells whether there was any.
func (p *peer) addTracks() bool {
	p.room.mutex.Lock()
	tracks := append([]*published{}, p.room.tracks...)
	p.room.mutex.Unlock()
	added := false
	for _, t := range tracks {
		if t.owner == p || p.sent[t] {
			continue
		}
		p.sent[t] = true
		sender, err := p.pc.AddTrack(t.track)
		if err != nil {
			log.Print(err)
			continue
		}
		added = true
		go p.readFeedback(sender, t)
	}
	return added
}

// readFeedback keeps the interceptors going, and passes requests for key frames on.
func (p *peer) readFeedback(sender *webrtc.RTPSender, t *published) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, wants := packet.(*rtcp.PictureLossIndication); wants {
				t.askForKey()
			}
		}
	}
}

func (t *published) askForKey() {
	_ = t.owner.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.ssrc)}})
}

// update offers what is new, unless an offer is under way: then its answer leads here again.
func (p *peer) update() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.updateLocked()
}

func (p *peer) updateLocked() {
	if !p.joined || p.pc.SignalingState() != webrtc.SignalingStateStable {
		p.dirty = true
		return
	}
	p.dirty = false
	if !p.addTracks() {
		return
	}
	ours, err := p.pc.CreateOffer(nil)
	if err == nil {
		err = p.describe(ours)
	}
	if err != nil {
		log.Print(err)
	}
}

// describe sets and sends ours, with the candidates in it.
func (p *peer) describe(ours webrtc.SessionDescription) error {
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(ours); err != nil {
		return err
	}
	<-gathered
	p.send(ours.Type.String(), description{ours.Type.String(), p.pc.LocalDescription().SDP})
	return nil
}

func (p *peer) onDescription(kind webrtc.SDPType, sdp string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	theirs := webrtc.SessionDescription{Type: kind, SDP: sdp}
	if err := p.pc.SetRemoteDescription(theirs); err != nil {
		return err
	}
	if kind == webrtc.SDPTypeOffer {
		p.addTracks() // into the sections that the client offers to receive in
		ours, err := p.pc.CreateAnswer(nil)
		if err != nil {
			return err
		}
		if err := p.describe(ours); err != nil {
			return err
		}
		p.joined = true
	}
	p.updateLocked()
	return nil
}

func (p *peer) onTrack(remote *webrtc.TrackRemote) {
	track, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, remote.ID(), remote.StreamID())
	if err != nil {
		log.Print(err)
		return
	}
	t := &published{track: track, owner: p, ssrc: remote.SSRC()}
	p.room.mutex.Lock()
	p.room.tracks = append(p.room.tracks, t)
	others := make([]*peer, 0, len(p.room.peers))
	for other := range p.room.peers {
		others = append(others, other)
	}
	p.room.mutex.Unlock()
	for _, other := range others {
		go other.update()
	}
	buffer := make([]byte, 1500)
	for {
		n, _, err := remote.Read(buffer)
		if err != nil {
			return
		}
		if _, err := track.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (s *sfu) serve(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		log.Print(err)
		return
	}
	defer pc.Close()
	p := &peer{room: s.room(r.URL.Path), pc: pc, ws: ws, sent: map[*published]bool{}}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.onTrack(remote) })
	p.room.mutex.Lock()
	p.room.peers[p] = true
	p.room.mutex.Unlock()
	defer p.leave()
	for {
		var m message
		if ws.ReadJSON(&m) != nil {
			return
		}
		var theirs description
		if m.Type != "offer" && m.Type != "answer" || json.Unmarshal(m.Payload, &theirs) != nil {
			continue
		}
		if err := p.onDescription(webrtc.NewSDPType(m.Type), theirs.Sdp); err != nil {
			log.Printf("%s: %v", m.Type, err)
		}
	}
}

func (p *peer) leave() {
	p.room.mutex.Lock()
	defer p.room.mutex.Unlock()
	delete(p.room.peers, p)
	kept := p.room.tracks[:0]
	for _, t := range p.room.tracks {
		if t.owner != p {
			kept = append(kept, t)
		}
	}
	p.room.tracks = kept
}

func (s *sfu) askForKeys() {
	for range time.Tick(3 * time.Second) { // as the examples do
		s.mutex.Lock()
		for _, r := range s.rooms {
			r.mutex.Lock()
			for _, t := range r.tracks {
				if t.track.Kind() == webrtc.RTPCodecTypeVideo {
					t.askForKey()
				}
			}
			r.mutex.Unlock()
		}
		s.mutex.Unlock()
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:5000", "address of the WebSocket")
	address := flag.String("address", "127.0.0.1", "address of the media sockets")
	flag.Parse()
	api, err := newApi(*address)
	if err != nil {
		log.Fatal(err)
	}
	s := &sfu{api: api, rooms: map[string]*room{}}
	go s.askForKeys()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/", s.serve)
	log.Fatal(http.ListenAndServe(*listen, nil))
}
