BEGIN TRANSACTION;
CREATE TABLE access (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	command VARCHAR NOT NULL, 
	found INTEGER NOT NULL, 
	token VARCHAR, 
	PRIMARY KEY (id)
);
CREATE TABLE account (
	name VARCHAR NOT NULL, 
	password VARCHAR NOT NULL, 
	roles VARCHAR NOT NULL, 
	is_locked BOOLEAN NOT NULL, 
	made BIGINT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (name)
)
 WITHOUT ROWID

;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('r0015');
CREATE TABLE attestation (
	id INTEGER NOT NULL, 
	line VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	tested VARCHAR NOT NULL, 
	"by" VARCHAR NOT NULL, 
	is_so BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	about VARCHAR NOT NULL, 
	address VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE call (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	line VARCHAR, 
	direction VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	in_hours BOOLEAN, 
	arrived BIGINT, 
	answered BIGINT, 
	ended BIGINT, 
	outcome VARCHAR NOT NULL, 
	rings INTEGER, 
	rings_estimated BOOLEAN NOT NULL, 
	waited BIGINT, 
	heard VARCHAR NOT NULL, 
	data TEXT NOT NULL, is_test BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (call, exchange)
);
INSERT INTO "call" VALUES('1795527733.0','toronto','general','inbound','fr',1,1795527733217087,1795527745617087,1795527793217087,'answered',2,0,8400000,'full','{"call":"1795527733.0","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000000","language":"fr","arrived":"2026-11-24T13:42:13.217087Z","ringing":"2026-11-24T13:42:17.217087Z","answered":"2026-11-24T13:42:25.617087Z","ended":"2026-11-24T13:43:13.217087Z","is_ended":true,"ended_by":"caller","rings":2,"rings_estimated":false,"heard_ringing":true,"waited":{"shortest":"PT8.4S","longest":"PT8.4S"},"outcome":"answered","state":"talking","abandoned_in":null,"answered_by":"102","answered_channel":"PJSIP/102-00000000","answering_phone_rang":"2026-11-24T13:42:21.417087Z","answer_heard":true,"by_queue":false,"phones":{"tried":2,"rang":2,"busy":0},"voicemail":null,"holds":1,"transfers":[],"forwards":0,"parked":0,"redirections":0,"gaps":[],"heard":"full","doubtful":false,"cycle":"PT6S","grace":"PT0.5S","in_hours":true,"silence":"PT8.9S","people":[{"phone":"102","at":"2026-11-24T13:42:25.617087Z"}],"survey":null,"relay":false,"ended_how":"hangup","talked":"PT47.6S","held_after":"PT7.6S","held_for":"PT10S","by_music":false,"test":false}',0);
INSERT INTO "call" VALUES('1795527734.1','toronto','general','inbound','fr',1,1795527734217087,1795527746617087,1795527794217087,'answered',2,0,8400000,'full','{"call":"1795527734.1","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000001","language":"fr","arrived":"2026-11-24T13:42:14.217087Z","ringing":"2026-11-24T13:42:18.217087Z","answered":"2026-11-24T13:42:26.617087Z","ended":"2026-11-24T13:43:14.217087Z","is_ended":true,"ended_by":"caller","rings":2,"rings_estimated":false,"heard_ringing":true,"waited":{"shortest":"PT8.4S","longest":"PT8.4S"},"outcome":"answered","state":"talking","abandoned_in":null,"answered_by":"102","answered_channel":"PJSIP/102-00000001","answering_phone_rang":"2026-11-24T13:42:22.417087Z","answer_heard":true,"by_queue":false,"phones":{"tried":2,"rang":2,"busy":0},"voicemail":null,"holds":1,"transfers":[],"forwards":0,"parked":0,"redirections":0,"gaps":[],"heard":"full","doubtful":false,"cycle":"PT6S","grace":"PT0.5S","in_hours":true,"silence":"PT8.9S","people":[{"phone":"102","at":"2026-11-24T13:42:26.617087Z"}],"survey":null,"relay":false,"ended_how":"hangup","talked":"PT47.6S","held_after":"PT7.6S","held_for":"PT10S","by_music":false,"test":false}',0);
INSERT INTO "call" VALUES('1795527735.2','toronto','general','inbound','fr',1,1795527735217087,1795527747617087,1795527795217087,'answered',2,0,8400000,'full','{"call":"1795527735.2","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000002","language":"fr","arrived":"2026-11-24T13:42:15.217087Z","ringing":"2026-11-24T13:42:19.217087Z","answered":"2026-11-24T13:42:27.617087Z","ended":"2026-11-24T13:43:15.217087Z","is_ended":true,"ended_by":"caller","rings":2,"rings_estimated":false,"heard_ringing":true,"waited":{"shortest":"PT8.4S","longest":"PT8.4S"},"outcome":"answered","state":"talking","abandoned_in":null,"answered_by":"102","answered_channel":"PJSIP/102-00000002","answering_phone_rang":"2026-11-24T13:42:23.417087Z","answer_heard":true,"by_queue":false,"phones":{"tried":2,"rang":2,"busy":0},"voicemail":null,"holds":1,"transfers":[],"forwards":0,"parked":0,"redirections":0,"gaps":[],"heard":"full","doubtful":false,"cycle":"PT6S","grace":"PT0.5S","in_hours":true,"silence":"PT8.9S","people":[{"phone":"102","at":"2026-11-24T13:42:27.617087Z"}],"survey":null,"relay":false,"ended_how":"hangup","talked":"PT47.6S","held_after":"PT7.6S","held_for":"PT10S","by_music":false,"test":false}',0);
CREATE TABLE counter (
	figure VARCHAR NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (figure)
)
 WITHOUT ROWID

;
INSERT INTO "counter" VALUES('["callmon_answer_wait_seconds","general","fr","12.0"]',3.0);
INSERT INTO "counter" VALUES('["callmon_answer_wait_seconds","general","fr","sum"]',2.52000000000000028e+01);
INSERT INTO "counter" VALUES('["callmon_calls_completeness_total","general","full"]',3.0);
INSERT INTO "counter" VALUES('["callmon_calls_total","general","answered","fr","open"]',3.0);
INSERT INTO "counter" VALUES('["callmon_early_hold_seconds","general","10.0"]',3.0);
INSERT INTO "counter" VALUES('["callmon_early_hold_seconds","general","sum"]',30.0);
INSERT INTO "counter" VALUES('["callmon_exchange_unheard_seconds_total","toronto"]',7.0);
INSERT INTO "counter" VALUES('["callmon_integrity_calls_total","general","early_hold"]',3.0);
INSERT INTO "counter" VALUES('["callmon_redirections_per_call","general","0.0"]',3.0);
INSERT INTO "counter" VALUES('["callmon_redirections_per_call","general","sum"]',0.0);
INSERT INTO "counter" VALUES('["callmon_rings_before_answer","general","fr","2.0"]',3.0);
INSERT INTO "counter" VALUES('["callmon_rings_before_answer","general","fr","sum"]',6.0);
INSERT INTO "counter" VALUES('["callmon_transfers_per_call","general","0.0"]',3.0);
INSERT INTO "counter" VALUES('["callmon_transfers_per_call","general","sum"]',0.0);
INSERT INTO "counter" VALUES('["callmon_verdicts_total","answer_by_third_ring","general","fr","met"]',3.0);
INSERT INTO "counter" VALUES('["callmon_verdicts_total","reach_a_person","general","fr","met"]',3.0);
INSERT INTO "counter" VALUES('["callmon_verdicts_total","voicemail_after_fourth_ring","general","fr","met"]',3.0);
CREATE TABLE disposal (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	authority VARCHAR NOT NULL, 
	unused_since BIGINT NOT NULL, 
	first_use BIGINT, 
	last_use BIGINT, 
	numbers INTEGER NOT NULL, 
	uses INTEGER NOT NULL, 
	files INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE disruption (
	id VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	lines VARCHAR NOT NULL, 
	began BIGINT NOT NULL, 
	until BIGINT, 
	announced BIGINT, 
	ended BIGINT, 
	how VARCHAR, 
	counts BOOLEAN NOT NULL, 
	is_live BOOLEAN NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE disruption_entry (
	disruption VARCHAR NOT NULL, 
	n BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (disruption, n)
)
 WITHOUT ROWID

;
CREATE TABLE disruption_hand (
	n BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	disruption VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (n)
);
CREATE TABLE fact (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	n BIGINT NOT NULL, 
	at BIGINT, 
	kind VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (call, exchange, n)
)
 WITHOUT ROWID

;
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048576,1795527733217087,'Arrived','{"type":"Arrived","call":"1795527733.0","at":"2026-11-24T13:42:13.217087Z","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000000"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048577,1795527733317087,'LineOpened','{"type":"LineOpened","call":"1795527733.0","at":"2026-11-24T13:42:13.317087Z"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048578,1795527736217087,'LanguageChosen','{"type":"LanguageChosen","call":"1795527733.0","at":"2026-11-24T13:42:16.217087Z","language":"fr"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048579,1795527736717087,'PhoneDialled','{"type":"PhoneDialled","call":"1795527733.0","at":"2026-11-24T13:42:16.717087Z","phone":"101","channel":"PJSIP/101-00000000"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048580,1795527737217087,'PhoneRang','{"type":"PhoneRang","call":"1795527733.0","at":"2026-11-24T13:42:17.217087Z","phone":"101","channel":"PJSIP/101-00000000"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048581,1795527741217087,'PhoneStopped','{"type":"PhoneStopped","call":"1795527733.0","at":"2026-11-24T13:42:21.217087Z","phone":"101","channel":"PJSIP/101-00000000","why":"no_answer","rang":true}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048582,1795527741317087,'PhoneDialled','{"type":"PhoneDialled","call":"1795527733.0","at":"2026-11-24T13:42:21.317087Z","phone":"102","channel":"PJSIP/102-00000000"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048583,1795527741417087,'PhoneRang','{"type":"PhoneRang","call":"1795527733.0","at":"2026-11-24T13:42:21.417087Z","phone":"102","channel":"PJSIP/102-00000000"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048584,1795527745617087,'Answered','{"type":"Answered","call":"1795527733.0","at":"2026-11-24T13:42:25.617087Z","phone":"102","channel":"PJSIP/102-00000000","rang":"2026-11-24T13:42:21.417087Z"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048585,1795527753217087,'Held','{"type":"Held","call":"1795527733.0","at":"2026-11-24T13:42:33.217087Z","phone":"102"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048586,1795527763217087,'Resumed','{"type":"Resumed","call":"1795527733.0","at":"2026-11-24T13:42:43.217087Z","phone":"102"}');
INSERT INTO "fact" VALUES('1795527733.0','toronto',1048587,1795527793217087,'Ended','{"type":"Ended","call":"1795527733.0","at":"2026-11-24T13:43:13.217087Z","by":"caller"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048588,1795527734217087,'Arrived','{"type":"Arrived","call":"1795527734.1","at":"2026-11-24T13:42:14.217087Z","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000001"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048589,1795527734317087,'LineOpened','{"type":"LineOpened","call":"1795527734.1","at":"2026-11-24T13:42:14.317087Z"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048590,1795527737217087,'LanguageChosen','{"type":"LanguageChosen","call":"1795527734.1","at":"2026-11-24T13:42:17.217087Z","language":"fr"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048591,1795527737717087,'PhoneDialled','{"type":"PhoneDialled","call":"1795527734.1","at":"2026-11-24T13:42:17.717087Z","phone":"101","channel":"PJSIP/101-00000001"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048592,1795527738217087,'PhoneRang','{"type":"PhoneRang","call":"1795527734.1","at":"2026-11-24T13:42:18.217087Z","phone":"101","channel":"PJSIP/101-00000001"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048593,1795527742217087,'PhoneStopped','{"type":"PhoneStopped","call":"1795527734.1","at":"2026-11-24T13:42:22.217087Z","phone":"101","channel":"PJSIP/101-00000001","why":"no_answer","rang":true}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048594,1795527742317087,'PhoneDialled','{"type":"PhoneDialled","call":"1795527734.1","at":"2026-11-24T13:42:22.317087Z","phone":"102","channel":"PJSIP/102-00000001"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048595,1795527742417087,'PhoneRang','{"type":"PhoneRang","call":"1795527734.1","at":"2026-11-24T13:42:22.417087Z","phone":"102","channel":"PJSIP/102-00000001"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048596,1795527746617087,'Answered','{"type":"Answered","call":"1795527734.1","at":"2026-11-24T13:42:26.617087Z","phone":"102","channel":"PJSIP/102-00000001","rang":"2026-11-24T13:42:22.417087Z"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048597,1795527754217087,'Held','{"type":"Held","call":"1795527734.1","at":"2026-11-24T13:42:34.217087Z","phone":"102"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048598,1795527764217087,'Resumed','{"type":"Resumed","call":"1795527734.1","at":"2026-11-24T13:42:44.217087Z","phone":"102"}');
INSERT INTO "fact" VALUES('1795527734.1','toronto',1048599,1795527794217087,'Ended','{"type":"Ended","call":"1795527734.1","at":"2026-11-24T13:43:14.217087Z","by":"caller"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048600,1795527735217087,'Arrived','{"type":"Arrived","call":"1795527735.2","at":"2026-11-24T13:42:15.217087Z","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000002"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048601,1795527735317087,'LineOpened','{"type":"LineOpened","call":"1795527735.2","at":"2026-11-24T13:42:15.317087Z"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048602,1795527738217087,'LanguageChosen','{"type":"LanguageChosen","call":"1795527735.2","at":"2026-11-24T13:42:18.217087Z","language":"fr"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048603,1795527738717087,'PhoneDialled','{"type":"PhoneDialled","call":"1795527735.2","at":"2026-11-24T13:42:18.717087Z","phone":"101","channel":"PJSIP/101-00000002"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048604,1795527739217087,'PhoneRang','{"type":"PhoneRang","call":"1795527735.2","at":"2026-11-24T13:42:19.217087Z","phone":"101","channel":"PJSIP/101-00000002"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048605,1795527743217087,'PhoneStopped','{"type":"PhoneStopped","call":"1795527735.2","at":"2026-11-24T13:42:23.217087Z","phone":"101","channel":"PJSIP/101-00000002","why":"no_answer","rang":true}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048606,1795527743317087,'PhoneDialled','{"type":"PhoneDialled","call":"1795527735.2","at":"2026-11-24T13:42:23.317087Z","phone":"102","channel":"PJSIP/102-00000002"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048607,1795527743417087,'PhoneRang','{"type":"PhoneRang","call":"1795527735.2","at":"2026-11-24T13:42:23.417087Z","phone":"102","channel":"PJSIP/102-00000002"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048608,1795527747617087,'Answered','{"type":"Answered","call":"1795527735.2","at":"2026-11-24T13:42:27.617087Z","phone":"102","channel":"PJSIP/102-00000002","rang":"2026-11-24T13:42:23.417087Z"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048609,1795527755217087,'Held','{"type":"Held","call":"1795527735.2","at":"2026-11-24T13:42:35.217087Z","phone":"102"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048610,1795527765217087,'Resumed','{"type":"Resumed","call":"1795527735.2","at":"2026-11-24T13:42:45.217087Z","phone":"102"}');
INSERT INTO "fact" VALUES('1795527735.2','toronto',1048611,1795527795217087,'Ended','{"type":"Ended","call":"1795527735.2","at":"2026-11-24T13:43:15.217087Z","by":"caller"}');
INSERT INTO "fact" VALUES('1795527736.3','toronto',1048612,1795527736217087,'Arrived','{"type":"Arrived","call":"1795527736.3","at":"2026-11-24T13:42:16.217087Z","direction":"inbound","line":"general","dialled":"4163272422","caller":null,"withheld":null,"channel":"PJSIP/trunk-00000003"}');
CREATE TABLE finding (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	standard VARCHAR NOT NULL, 
	at BIGINT, 
	line VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	in_hours BOOLEAN, 
	verdict VARCHAR NOT NULL, 
	reason_key VARCHAR NOT NULL, 
	number INTEGER, 
	cause VARCHAR, 
	PRIMARY KEY (call, exchange, standard)
)
 WITHOUT ROWID

;
INSERT INTO "finding" VALUES('1795527733.0','toronto','answer_by_third_ring',1795527745617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527733.0','toronto','reach_a_person',1795527745617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527733.0','toronto','voicemail_after_fourth_ring',1795527745617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527734.1','toronto','answer_by_third_ring',1795527746617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527734.1','toronto','reach_a_person',1795527746617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527734.1','toronto','voicemail_after_fourth_ring',1795527746617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527735.2','toronto','answer_by_third_ring',1795527747617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527735.2','toronto','reach_a_person',1795527747617087,'general','fr',1,'met','answered_on_ring',2,NULL);
INSERT INTO "finding" VALUES('1795527735.2','toronto','voicemail_after_fourth_ring',1795527747617087,'general','fr',1,'met','answered_on_ring',2,NULL);
CREATE TABLE gap (
	exchange VARCHAR NOT NULL, 
	began BIGINT NOT NULL, 
	ended BIGINT NOT NULL, 
	PRIMARY KEY (exchange, began)
);
INSERT INTO "gap" VALUES('toronto',1795527833217087,1795527840217087);
CREATE TABLE hand (
	n BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	obligation VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (n)
);
CREATE TABLE heartbeat (
	exchange VARCHAR NOT NULL, 
	heard BIGINT NOT NULL, 
	PRIMARY KEY (exchange)
);
CREATE TABLE ledger (
	obligation VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	n BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (obligation, exchange, n)
)
 WITHOUT ROWID

;
CREATE TABLE mark (
	name VARCHAR NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
)
 WITHOUT ROWID

;
INSERT INTO "mark" VALUES('disruption_hand',0);
INSERT INTO "mark" VALUES('hand',0);
CREATE TABLE number (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	number VARCHAR NOT NULL, token VARCHAR, 
	PRIMARY KEY (call, exchange, role)
)
 WITHOUT ROWID

;
CREATE TABLE number_key (
	name VARCHAR NOT NULL, 
	PRIMARY KEY (name)
)
 WITHOUT ROWID

;
CREATE TABLE obligation (
	id VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	call VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	opening VARCHAR NOT NULL, 
	line VARCHAR NOT NULL, 
	service VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	token VARCHAR, 
	other VARCHAR, 
	hidden VARCHAR, 
	cautions VARCHAR NOT NULL, 
	opened BIGINT NOT NULL, 
	due BIGINT, 
	due_business BIGINT, 
	actionable BIGINT, 
	settled BIGINT, 
	acknowledged BIGINT, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	count INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	is_soon BOOLEAN NOT NULL, 
	is_overdue BOOLEAN NOT NULL, 
	is_live BOOLEAN NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id, exchange)
)
 WITHOUT ROWID

;
CREATE TABLE open_call (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	PRIMARY KEY (call, exchange)
)
 WITHOUT ROWID

;
INSERT INTO "open_call" VALUES('1795527736.3','toronto');
CREATE TABLE reconciliation (
	exchange VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	line VARCHAR NOT NULL, 
	done BIGINT NOT NULL, 
	of_exchange INTEGER NOT NULL, 
	of_callmon INTEGER NOT NULL, 
	PRIMARY KEY (exchange, day, line)
)
 WITHOUT ROWID

;
CREATE TABLE reconciliation_call (
	exchange VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	call VARCHAR NOT NULL, 
	line VARCHAR NOT NULL, 
	arrived BIGINT NOT NULL, 
	counted_by VARCHAR NOT NULL, 
	PRIMARY KEY (exchange, day, call)
)
 WITHOUT ROWID

;
CREATE TABLE rollup (
	day VARCHAR NOT NULL, 
	line VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	stored BIGINT NOT NULL, 
	calls BIGINT NOT NULL, 
	seal VARCHAR NOT NULL, 
	cell TEXT NOT NULL, 
	PRIMARY KEY (day, line, language, exchange)
);
CREATE TABLE rollup_state (
	id INTEGER NOT NULL, 
	zone VARCHAR NOT NULL, 
	version BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "rollup_state" VALUES(1,'',0,0);
CREATE TABLE session (
	id VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	roles VARCHAR NOT NULL, 
	made BIGINT NOT NULL, 
	seen BIGINT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE writer (
	id INTEGER NOT NULL, 
	batch BIGINT NOT NULL, 
	token VARCHAR NOT NULL, session VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "writer" VALUES(1,0,'',NULL);
CREATE INDEX ix_obligation_opened ON obligation (opened);
CREATE INDEX ix_obligation_token ON obligation (token);
CREATE INDEX ix_obligation_other ON obligation (other);
CREATE INDEX ix_obligation_live ON obligation (is_live, state);
CREATE INDEX ix_number_token ON number (token);
CREATE INDEX ix_access_token ON access (token);
CREATE INDEX ix_disruption_began ON disruption (began);
CREATE INDEX ix_disruption_live ON disruption (is_live);
CREATE INDEX ix_session_person ON session (person, source);
CREATE INDEX ix_session_made ON session (made);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_call_line_arrived ON call (line, arrived);
CREATE INDEX ix_call_arrived ON call (arrived);
CREATE INDEX ix_call_test ON call (line, arrived) WHERE is_test = 1;
COMMIT;
