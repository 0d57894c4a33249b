"""The lab's dialplan, beside the shipped one."""

from __future__ import annotations

# Routes that a caller of the lab requests by name, in a header that only the lab sends. Everything else goes to
# the shipped dialplan.
ROUTES = """
[site-routes](+)
exten => _[+0-9].,1,Set(LAB_ROUTE=${PJSIP_HEADER(read,X-Lab-Route)})
 same => n,GotoIf($["${LAB_ROUTE}" = ""]?lines,${EXTEN},1)
 same => n,Set(__TRANSFER_CONTEXT=internal)
 same => n,Set(__LAB_PHONES=${CUT(LAB_ROUTE,|,2)})
 same => n,Set(__LAB_OPTIONS=${CUT(LAB_ROUTE,|,3)})
 same => n,Set(__LAB_PAUSE=${CUT(LAB_ROUTE,|,4)})
 same => n,Set(__LAB_NEXT=${CUT(LAB_ROUTE,|,5)})
 same => n,Set(__LAB_SECONDS=${IF($["${CUT(LAB_ROUTE,|,6)}" = ""]?30:${CUT(LAB_ROUTE,|,6)})})
 same => n,Set(__LAB_THEN=${CUT(LAB_ROUTE,|,7)})
 same => n,Goto(${CUT(LAB_ROUTE,|,1)})

[lab-busy]                  ; no voicemail behind: busy stays busy
exten => s,1,Dial(PJSIP/101&PJSIP/102,24,tk)
 same => n,GotoIf($["${DIALSTATUS}" = "BUSY"]?engaged)
 same => n,Hangup()
 same => n(engaged),Busy(5)

[lab-in-vain]               ; no voicemail behind: it rings, and that is all
exten => s,1,Dial(PJSIP/101&PJSIP/102&PJSIP/103,24,tk)
 same => n,Hangup()

[lab-early-box]             ; voicemail after two rings
exten => s,1,Dial(PJSIP/101&PJSIP/102&PJSIP/103,12,tk)
 same => n,Goto(box,500,1)

[lab-late-box]              ; voicemail after five rings and a half
exten => s,1,Dial(PJSIP/101&PJSIP/102&PJSIP/103,33,tk)
 same => n,Goto(box,500,1)

[lab-offline]
exten => s,1,Dial(PJSIP/198&PJSIP/199,24,tk)
 same => n,Hangup()

[lab-offline-box]           ; the same with voicemail behind: it takes the call at once
exten => s,1,Dial(PJSIP/198&PJSIP/199,24,tk)
 same => n,Goto(box,500,1)

[lab-says-so]               ; the dialplan says itself whether a message was left
exten => s,1,VoiceMail(500@default,u)
 same => n,Hangup()
exten => h,1,UserEvent(CallmonVoicemail,Status: ${VMSTATUS},Mailbox: 500@default)

[lab-silence]               ; phones that are there but say nothing: 24 s of silence
exten => s,1,Dial(PJSIP/107,24,tk)
 same => n,Hangup()

[lab-congestion]
exten => s,1,Dial(PJSIP/6475550191@trunk,24)
 same => n,Congestion(3)

[lab-announcement-unanswered]
exten => s,1,Progress()
 same => n,Playback(ss-noservice,noanswer)
 same => n,Hangup()

[lab-asks-in-french]        ; the shipped hook, behind a menu in which French was chosen
exten => s,1,Answer()
 same => n,Set(CHANNEL(language)=fr)
 same => n,Goto(offer-callback,s,1)

[lab-menu-only]             ; a menu that hangs up on whoever presses nothing
exten => s,1,Answer()
 same => n,Background(beep)
 same => n,WaitExten(4)
exten => t,1,Hangup()

[lab-only]                  ; one phone, any
exten => _[1-3]XX,1,Dial(PJSIP/${EXTEN},24,tk)
 same => n,Goto(box,500,1)

[lab-half-offline]
exten => s,1,Dial(PJSIP/198&PJSIP/101,24,tk)
 same => n,Goto(box,500,1)

[lab-queue-ringing]         ; the queue lets the caller hear ringing instead of music
exten => s,1,Queue(lab-queue-empty,tkr,,,60)
 same => n,Goto(box,500,1)

[lab-local]                 ; a group of Local channels that stay (/n)
exten => s,1,Dial(Local/120@lab-member/n&Local/121@lab-member/n,24,tk)
 same => n,Goto(box,500,1)

[lab-local-optimised]       ; the same, which step aside once the call is answered
exten => s,1,Dial(Local/122@lab-member&Local/123@lab-member,24)
 same => n,Goto(box,500,1)

[lab-member]
exten => _[1-3]XX,1,Dial(PJSIP/${EXTEN},24)

[lab-confirm]               ; a mobile must press 1 before it gets the call (a mobile's own voicemail cannot)
exten => s,1,Dial(Local/6475550190@lab-mobile/n,24,tk)
 same => n,Goto(box,500,1)

[lab-mobile]
exten => _X.,1,Dial(PJSIP/${EXTEN}@trunk,24,U(lab-press-one))

[lab-press-one]
exten => s,1,Read(PRESSED,beep,1,,1,5)
 same => n,GotoIf($["${PRESSED}" = "1"]?taken)
 same => n,Set(GOSUB_RESULT=CONTINUE)
 same => n(taken),Return()

; What staff of the lab can dial, and the public be sent to, beside what the shipped dialplan has.

[site-internal](+)
exten => _[23]XX,1,Dial(PJSIP/${EXTEN},24,tkTK)
 same => n,Hangup()
exten => _28[01],1,Dial(PJSIP/${EXTEN},24,tkTK)
 same => n,Goto(box,${EXTEN},1)
exten => 199,1,Dial(PJSIP/${EXTEN},24,tkTK)
 same => n,Hangup()
exten => _**[23]XX,1,PickupChan(PJSIP/${EXTEN:2})
 same => n,Hangup()
exten => _*8[23]XX,1,Pickup(${EXTEN:2}@internal)
 same => n,Hangup()
exten => _*9XXX,1,Dial(Local/${EXTEN:2}@lab-member/n,24)
 same => n,Hangup()
exten => *69,1,Dial(PJSIP/6475550171@trunk,60)             ; calls back who called last
exten => *70,1,Dial(Local/96475550172@internal/n,60)       ; a speed dial
exten => 600,1,Queue(lab-queue-sent,tk,,,60)
exten => 601,1,Queue(lab-queue-sent-by-desk,tk,,,60)
exten => 602,1,Queue(lab-queue-redirected,tk,,,60)
exten => 603,1,Queue(lab-queue-vain,tk,,,8)
 same => n,Hangup()
exten => 604,1,Queue(lab-queue-asked,tk,,,60)
exten => 605,1,Queue(lab-queue-asked-by-keys,tk,,,60)
exten => 610,1,Goto(lab-short-menu,s,1)
exten => 611,1,Goto(lab-long-menu,s,1)
exten => _62X,1,Answer()
 same => n,ConfBridge(${EXTEN})
exten => _64XXX,1,Answer()                          ; 64 and an agent's own number: logs the agent in
 same => n,AgentLogin(${EXTEN:2},s)
exten => 650,1,Answer()
 same => n,Bridge(${GLOBAL(LOUNGE)})
exten => 630,1,Dial(PJSIP/309&PJSIP/310,24,tk)  ; a group
 same => n,Hangup()
exten => 631,1,Dial(Local/6475550198@lab-mobile/n,24,tk)
exten => _*28X,1,VoiceMail(${EXTEN:1}@default,u)    ; straight to a phone's box: the first step of its extension
 same => n,Hangup()

[box](+)
exten => _28X,1,VoiceMail(${EXTEN}@default,u)
 same => n,Hangup()

[lab-short-menu]            ; whoever presses nothing reaches a person
exten => s,1,Background(beep)
 same => n,WaitExten(3)
exten => t,1,Dial(PJSIP/209,24,tk)
 same => n,Hangup()

[lab-long-menu]
exten => s,1,Background(beep)
 same => n,WaitExten(30)
exten => t,1,Hangup()

[lab-mailed]                ; the box mails each message and deletes it
exten => s,1,Dial(PJSIP/159,12,tk)
 same => n,VoiceMail(506@default,u)
 same => n,Hangup()

[lab-two-boxes]             ; one message into two boxes
exten => s,1,Dial(PJSIP/169,12,tk)
 same => n,VoiceMail(500@default&505@default,u)
 same => n,Hangup()

[lab-listens]               ; staff listen to the box from outside
exten => s,1,Answer()
 same => n,VoiceMailMain(500@default,s)
 same => n,Hangup()

[lab-star]                  ; * in the greeting opens the box
exten => s,1,Dial(PJSIP/160,12,tk)
 same => n,VoiceMail(500@default,u)
 same => n,Hangup()
exten => a,1,VoiceMailMain(500@default,s)
 same => n,Hangup()

[lab-announced-box]         ; an announcement, then voicemail: no key is asked for
exten => s,1,Answer()
 same => n,Wait(0.5)
 same => n,Playback(ss-noservice)
 same => n,VoiceMail(500@default,u)
 same => n,Hangup()

[lab-silent-box]            ; Answer() itself waits half a second for the caller's first sound
exten => s,1,Answer()
 same => n,Wait(0.5)
 same => n,VoiceMail(500@default,u)
 same => n,Hangup()

[lab-menu-box]              ; a caller who presses nothing gets voicemail as well
exten => s,1,Answer()
 same => n,Background(beep)
 same => n,WaitExten(4)
exten => 12,1,Goto(box,500,1)
exten => t,1,Goto(box,500,1)

[lab-boxed]
exten => _XXX,1,Dial(PJSIP/${EXTEN},6)
 same => n,VoiceMail(281@default,u)
 same => n,Hangup()

[lab-operator]              ; 0 in the greeting rings the operator
exten => s,1,Dial(PJSIP/162,12,tk)
 same => n,VoiceMail(508@default,u)
 same => n,Hangup()
exten => o,1,Dial(PJSIP/163,24,tk)
 same => n,Hangup()

[lab-execif]                ; an application within another has no event of its own
exten => s,1,Dial(PJSIP/167,12,tk)
 same => n,ExecIf(1?VoiceMail(500@default,u))
 same => n,Hangup()

[lab-no-such-box]
exten => s,1,Dial(PJSIP/168,12,tk)
 same => n,VoiceMail(599@default,u)
 same => n,Playback(vm-goodbye)
 same => n,Hangup()

[lab-stasis]                ; an application of ARI has the caller
exten => s,1,Stasis(lab)
 same => n,Hangup()

[lab-conference]            ; the caller waits in a conference until somebody comes
exten => s,1,Answer()
 same => n,ConfBridge(627)

[lab-conference-empty]
exten => s,1,Answer()
 same => n,ConfBridge(628)

[lab-hairpin]               ; the call leaves by a trunk and comes back in, on another line
exten => s,1,Dial(PJSIP/4163270374@trunk-loop,24)
 same => n,Hangup()

[lab-hairpin-answered]      ; the same from a menu: the line is up before
exten => s,1,Answer()
 same => n,Wait(1)
 same => n,Dial(PJSIP/4163270374@trunk-loop,24,r)
 same => n,Hangup()

[lab-followme]              ; the phone on the desk, then the mobile, by a dialplan of Local channels
exten => s,1,Dial(Local/311@lab-followed/n,30,tk)
 same => n,Goto(box,500,1)

[lab-followed]
exten => _3XX,1,Dial(PJSIP/${EXTEN},6)
 same => n,Dial(PJSIP/6475550196@trunk,20)

[lab-followme-app]          ; the same by the application of that name
exten => s,1,FollowMe(312,N)
 same => n,Goto(box,500,1)

[lab-followed-app]
exten => _XXX,1,Dial(PJSIP/${EXTEN},24)
exten => _647X.,1,Dial(PJSIP/${EXTEN}@trunk,24)

[lab-queue-optimised]
exten => s,1,Answer()
 same => n,Queue(lab-queue-optimised,,,,60)
 same => n,Goto(box,500,1)

[lab-through-local]         ; a phone behind a Local channel that stays
exten => _3XX,1,Dial(Local/${EXTEN}@lab-member/n,24,tk)
 same => n,Hangup()

[lab-through-optimised]     ; or that steps aside
exten => _3XX,1,Dial(Local/${EXTEN}@lab-member,24)
 same => n,Hangup()

; What a click-to-dial passes through on the way to the agent, and to the person outside.

[lab-chain]
exten => _[1-3]XX,1,Dial(Local/${EXTEN}@internal/n,24)
 same => n,Hangup()

[lab-chain-optimised]
exten => _[1-3]XX,1,Dial(Local/${EXTEN}@lab-member,24)
 same => n,Hangup()

[lab-chain-out]
exten => _9X.,1,Dial(Local/${EXTEN}@internal/n,60)
 same => n,Hangup()

[lab-chain-out-optimised]
exten => _9X.,1,Dial(Local/${EXTEN}@lab-out,60)
 same => n,Hangup()

[lab-out]
exten => _9X.,1,Dial(PJSIP/${EXTEN:1}@trunk,60)
 same => n,Hangup()

[lab-later]                 ; the agent is in the conference before the person is called
exten => _9X.,1,Wait(4)
 same => n,Dial(PJSIP/${EXTEN:1}@trunk,60)
 same => n,Hangup()

[lab-sip-member]            ; phones and a trunk of the old driver, chan_sip
exten => _4XX,1,Dial(SIP/${EXTEN},24)
 same => n,Hangup()

[lab-sip-out]
exten => _9X.,1,Dial(SIP/sip-trunk/${EXTEN:1},60)
 same => n,Hangup()

[lab-out-variable]          ; the number is in no extension
exten => s,1,Dial(Local/s@lab-out-variable-far/n,60)
 same => n,Hangup()

[lab-out-variable-far]
exten => s,1,Dial(PJSIP/${CLICKED:1}@trunk,60)
 same => n,Hangup()

[lab-french-greeting]       ; the dialplan greets in French: nobody has asked for it
exten => _3XX,1,Set(CHANNEL(language)=fr)
 same => n,Dial(PJSIP/${EXTEN},24,tk)
 same => n,Hangup()

[lab-menu-queue]            ; the language is chosen, then a queue
exten => s,1,Answer()
 same => n,Background(beep)
 same => n,WaitExten(8)
exten => 2,1,Set(CHANNEL(language)=fr)
 same => n,Queue(lab-queue-menu,tk,,,60)
 same => n,Goto(box,500,1)

; Ways to a person, or away from one, of which a gap hides more than of others (`situations_gaps.py`).

[lab-pool]                  ; a queue of agents who are logged in and hear music between calls
exten => s,1,Answer()
 same => n,Wait(8)
 same => n,Queue(lab-queue-pool,tk,,,60)
 same => n,Hangup()

[lab-agents]
exten => _XXX,1,AgentRequest(${EXTEN})
 same => n,Congestion()

[lab-queue-of-nobody]       ; the queue lets nobody in: it has no members
exten => s,1,Queue(lab-queue-of-nobody,tk,,,60)
 same => n,Goto(box,500,1)

[lab-out-of-the-queue]
exten => 1,1,Wait(2)
 same => n,Goto(box,500,1)
exten => 2,1,Playback(auth-thankyou)
 same => n,Hangup()

[lab-lounge]                ; the caller waits with music until somebody comes
exten => s,1,Answer()
 same => n,Set(GLOBAL(LOUNGE)=${CHANNEL})
 same => n,BridgeWait(lounge)
"""

BOX, END = " same => n,Goto(box,500,1)\n", " same => n,Hangup()\n"
# The queues that have the caller for at most so many seconds, and what comes then.
QUEUES = (
    ("one", 30, BOX),
    ("two", 60, BOX),
    ("left", 60, BOX),
    ("timeout", 20, BOX),
    ("console", 60, END),
    ("console-too", 60, END),
    ("boxed", 60, END),  # the only member's own box answers for it
    ("local", 60, BOX),
    ("then", 60, ""),
    ("asks", 60, ""),  # who waits may press 2, to be called back
    ("then-keys", 60, ""),
    ("grouped", 60, END),  # colleagues may take with *8 what rings at its member
    ("keys", 60, BOX),  # the key 1 leads out of the queue
)
ROUTES += "".join(
    f"""
[lab-queue-{name}]
exten => s,1,Answer()
 same => n,Queue(lab-queue-{name},tk,,,{seconds})
{then}"""
    for name, seconds, then in QUEUES
)
