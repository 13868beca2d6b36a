PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, salt TEXT, owner TEXT,
    names_offset INTEGER DEFAULT 0, revision INTEGER DEFAULT 0, labelled TEXT
);
INSERT INTO "accounts" VALUES(1,'acme','540ae8f9dbe40220835f4b0bfe9cd424','32e45aec6581448d81f6d1ade342282097ba6ee4c12637a014dad6ee5a57415c',500,5,NULL);
CREATE TABLE days (
    account INTEGER, day TEXT CHECK (day IS date(day)), state TEXT, cursor TEXT, users INTEGER DEFAULT 0,
    has_scores INTEGER, summary TEXT,
    PRIMARY KEY (account, day)
) WITHOUT ROWID;
INSERT INTO "days" VALUES(1,'2026-11-01','done',NULL,2,1,NULL);
INSERT INTO "days" VALUES(1,'2026-11-02','begun','7',1,NULL,NULL);
CREATE TABLE forgotten (account INTEGER, day TEXT CHECK (day IS date(day)), PRIMARY KEY (account, day)) WITHOUT ROWID;
CREATE TABLE names (
    account INTEGER, user_id TEXT, username TEXT, PRIMARY KEY (account, user_id)
) WITHOUT ROWID;
INSERT INTO "names" VALUES(1,'2','büro');
CREATE TABLE outputs (name TEXT PRIMARY KEY, content TEXT, done INTEGER) WITHOUT ROWID;
CREATE TABLE own_scores (
    account INTEGER, day TEXT CHECK (day IS date(day)), overall REAL CHECK (overall BETWEEN 1.0 AND 5.0), engagement_recency REAL CHECK (engagement_recency BETWEEN 1.0 AND 5.0), open_rate REAL CHECK (open_rate BETWEEN 1.0 AND 5.0), bounce_classification REAL CHECK (bounce_classification BETWEEN 1.0 AND 5.0), bounce_rate REAL CHECK (bounce_rate BETWEEN 1.0 AND 5.0), spam_rate REAL CHECK (spam_rate BETWEEN 1.0 AND 5.0), PRIMARY KEY (account, day)
) WITHOUT ROWID;
INSERT INTO "own_scores" VALUES(1,'2026-11-01',3.0,3.0,3.0,3.0,3.0,3.0);
CREATE TABLE scores (
    account INTEGER, day TEXT CHECK (day IS date(day)), user_id TEXT, position INTEGER, username TEXT,
    label TEXT, overall REAL CHECK (overall BETWEEN 1.0 AND 5.0), engagement_recency REAL CHECK (engagement_recency BETWEEN 1.0 AND 5.0), open_rate REAL CHECK (open_rate BETWEEN 1.0 AND 5.0), bounce_classification REAL CHECK (bounce_classification BETWEEN 1.0 AND 5.0), bounce_rate REAL CHECK (bounce_rate BETWEEN 1.0 AND 5.0), spam_rate REAL CHECK (spam_rate BETWEEN 1.0 AND 5.0), PRIMARY KEY (account, day, user_id)
) WITHOUT ROWID;
INSERT INTO "scores" VALUES(1,'2026-11-01','1',0,'shop-de',NULL,4.5,1.0,2.0,NULL,4.0,5.0);
INSERT INTO "scores" VALUES(1,'2026-11-01','2',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "scores" VALUES(1,'2026-11-02','1',0,'shop-de',NULL,3.0,3.0,3.0,3.0,3.0,3.0);
CREATE UNIQUE INDEX labels ON scores (account, day, label);
COMMIT;
