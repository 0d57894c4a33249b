#!/bin/sh
# Plays /calls/day.txt over and over. Phones 101 to 106 listen on ports 5101 to 5106, the carrier on 5060.
set -eu
exchange=asterisk:5060
here=$(hostname -i | cut -d' ' -f1)
quiet="-nostdin -trace_err -error_file /dev/null"

listen() { # listen NAME PORT: a phone, or the carrier, in the background; its process id in /tmp/NAME.pid
    first=nobody second=nobody hands_over=nobody to=102
    case $1 in
        101) first='55501[79]' hands_over=555017 ;;
        102) second='[Aa]nonymous|555017' hands_over=5550179 to=103 ;;
        103) second=5550179 ;;
    esac
    sed -e "s/@OWN@/${1#10}/; s/@FIRST@/$first/; s/@SECOND@/$second/; s/@HANDS_OVER@/$hands_over/; s/@TO@/$to/" \
        "/calls/${3:-phone}.xml" > "/tmp/$1.xml"
    # shellcheck disable=SC2086 -- several words
    sipp -sf "/tmp/$1.xml" -i "$here" -p "$2" -key me "$1" $quiet > /dev/null 2>&1 &
    echo $! > "/tmp/$1.pid"
}

call() { # call SCENARIO -key … : one call, in the background
    scenario=$1; shift
    # shellcheck disable=SC2086 -- several words
    sipp "$exchange" -sf "/calls/$scenario.xml" -i "$here" -m 1 -timeout 180 $quiet "$@" > /dev/null 2>&1 &
}

# give-up: or sipp would leave its pause at the first message.
public() { # public SCENARIO LINE CALLER SECONDS NAME ADDRESS PRIVACY
    call "$1" -key line "$2" -key caller "$3" -d "${4}000" -key name "$5" -key address "$6" -key privacy "$7" \
        $([ "$1" != give-up ] || echo -pause_msg_ign)
}

back() { # back PHONE CALLER SECONDS
    printf 'SEQUENTIAL\n[authentication username=%s password=%s]\n' "$1" "$(cat /run/secrets/phones)" > "/tmp/back-$1.csv"
    call back -inf "/tmp/back-$1.csv" -key phone "$1" -key number "9$2" -d "${3}000"
}

act() { # one line of the day
    case $1 in
        call) scenario=${5:+menu-$5}; public "${scenario:-caller}" "$2" "$3" "$4" "$3" "$3@carrier.example" none ;;
        hidden) public caller "$2" "$3" "$4" Anonymous anonymous@anonymous.invalid id ;;
        give-up) public give-up "$2" "$3" "$4" "$3" "$3@carrier.example" none ;;
        back) back "$2" "$3" "$4" ;;
        unplug) kill "$(cat "/tmp/$2.pid")" ;;
        plug) listen "$2" "5$2" ;;
    esac
}

# What callers say: 400 Hz in mu-law, 40 seconds of it, over and over.
printf '\377\243\230\222\217\216\217\222\230\243\177\043\030\022\017\016\017\022\030\043' > voice.ul
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do cat voice.ul voice.ul > voice.more && mv voice.more voice.ul; done

listen trunk 5060 trunk
for phone in 101 102 103 104 105 106; do listen "$phone" "5$phone"; done
sleep "${SETTLE:-15}"    # until the exchange has found the phones
touch /tmp/phones
while :; do
    now=0
    while read -r at what rest; do
        case $at in '' | '#'*) continue ;; esac
        sleep $((at - now))
        now=$at
        # shellcheck disable=SC2086 -- several words
        act "$what" $rest
    done < "${DAY:-/calls/day.txt}"
    [ -z "${ONCE:-}" ] || { wait; exit 0; }
done
