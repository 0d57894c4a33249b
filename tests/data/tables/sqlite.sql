
CREATE TABLE access (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	command VARCHAR NOT NULL, 
	found INTEGER NOT NULL, 
	token VARCHAR, 
	PRIMARY KEY (id)
)

;
CREATE INDEX ix_access_token ON access (token);

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

CREATE TABLE attestation (
	id INTEGER NOT NULL, 
	line VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	tested VARCHAR NOT NULL, 
	"by" VARCHAR NOT NULL, 
	is_so BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
)

;

CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	about VARCHAR NOT NULL, 
	address VARCHAR NOT NULL, 
	PRIMARY KEY (id)
)

;
CREATE INDEX ix_audit_at ON audit (at);

CREATE TABLE call (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	arrived BIGINT, 
	answered BIGINT, 
	ended BIGINT, 
	waited BIGINT, 
	rings INTEGER, 
	rings_estimated BOOLEAN NOT NULL, 
	in_hours BOOLEAN, 
	is_test BOOLEAN DEFAULT 0 NOT NULL, 
	line VARCHAR, 
	direction VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	heard VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (call, exchange)
)

;
CREATE INDEX ix_call_arrived ON call (arrived);
CREATE INDEX ix_call_line_arrived ON call (line, arrived);
CREATE INDEX ix_call_test ON call (line, arrived) WHERE is_test = 1;

CREATE TABLE contact (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	n BIGINT NOT NULL, 
	token VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (call, exchange, kind, at)
)
 WITHOUT ROWID

;
CREATE INDEX ix_contact_at ON contact (at);
CREATE INDEX ix_contact_n ON contact (n);
CREATE INDEX ix_contact_token ON contact (token);

CREATE TABLE counter (
	figure VARCHAR NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (figure)
)
 WITHOUT ROWID

;

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
)

;

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
)

;
CREATE INDEX ix_disruption_began ON disruption (began);
CREATE INDEX ix_disruption_live ON disruption (is_live);

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
)

;

CREATE TABLE fact (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	n BIGINT NOT NULL, 
	at BIGINT, 
	data BLOB NOT NULL, 
	PRIMARY KEY (call, exchange, n)
)
 WITHOUT ROWID

;

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

CREATE TABLE gap (
	exchange VARCHAR NOT NULL, 
	began BIGINT NOT NULL, 
	ended BIGINT NOT NULL, 
	PRIMARY KEY (exchange, began)
)

;

CREATE TABLE hand (
	n BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	obligation VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (n)
)

;

CREATE TABLE heartbeat (
	exchange VARCHAR NOT NULL, 
	heard BIGINT NOT NULL, 
	PRIMARY KEY (exchange)
)

;

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

CREATE TABLE number (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	number VARCHAR NOT NULL, 
	token VARCHAR, 
	PRIMARY KEY (call, exchange, role)
)
 WITHOUT ROWID

;
CREATE INDEX ix_number_token ON number (token);

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
CREATE INDEX ix_obligation_live ON obligation (is_live, state);
CREATE INDEX ix_obligation_opened ON obligation (opened);
CREATE INDEX ix_obligation_other ON obligation (other);
CREATE INDEX ix_obligation_token ON obligation (token);

CREATE TABLE open_call (
	call VARCHAR NOT NULL, 
	exchange VARCHAR NOT NULL, 
	n BIGINT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (call, exchange)
)
 WITHOUT ROWID

;

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

CREATE TABLE report_mail (
	month VARCHAR NOT NULL, 
	edition VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	stage VARCHAR NOT NULL, 
	recipient VARCHAR NOT NULL, 
	copy INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	since BIGINT NOT NULL, 
	changed BIGINT NOT NULL, 
	next BIGINT NOT NULL, 
	PRIMARY KEY (month, edition, revision, stage, recipient, copy)
)

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
)

;

CREATE TABLE rollup_state (
	id INTEGER NOT NULL, 
	zone VARCHAR NOT NULL, 
	version BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	PRIMARY KEY (id)
)

;

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
CREATE INDEX ix_session_made ON session (made);
CREATE INDEX ix_session_person ON session (person, source);

CREATE TABLE sign_off (
	month VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	step VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	mac VARCHAR NOT NULL, 
	PRIMARY KEY (month, revision, step, name)
)

;

CREATE TABLE signed_file (
	month VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (month, revision, name)
)

;

CREATE TABLE token (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	roles VARCHAR NOT NULL, 
	made BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	used BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE UNIQUE INDEX ix_token_name ON token (name);

CREATE TABLE webhook (
	id VARCHAR NOT NULL, 
	webhook VARCHAR NOT NULL, 
	n BIGINT NOT NULL, 
	event VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	since BIGINT NOT NULL, 
	tries INTEGER NOT NULL, 
	next BIGINT NOT NULL, 
	answer VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id, webhook)
)
 WITHOUT ROWID

;
CREATE INDEX ix_webhook_due ON webhook (webhook, state, n);
CREATE INDEX ix_webhook_since ON webhook (since);

CREATE TABLE writer (
	id INTEGER NOT NULL, 
	batch BIGINT NOT NULL, 
	token VARCHAR NOT NULL, 
	session VARCHAR, 
	PRIMARY KEY (id)
)

;
INSERT INTO writer (id, batch, token) VALUES (1, 0, '');
INSERT INTO mark (name, value) VALUES ('hand', 0), ('disruption_hand', 0);
INSERT INTO rollup_state (id, zone, version, until) VALUES (1, '', 0, 0);
