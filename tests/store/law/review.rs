//! Checks by owners, and the review of revocations (criteria 3, 4, 7, 9 and 10).

use super::super::bench::iin;
use super::ledger::{Application, Review};
use super::service::{INITIATORS, SERVICES, SUBJECTS};
use super::story::Story;
use kdp::clock;
use kdp::dispatch::Service;

impl Story {
    pub async fn check(&mut self, token: usize, ago: Option<i64>, other: Option<bool>) {
        let now = self.now();
        let at = ago.map_or(now, |ago| now - ago);
        let (status, reason) = self.ledger.worth(token, at);
        let known = &self.ledger.tokens[token];
        let asked = &self.ledger.requests[known.request].asked;
        let foreign = SERVICES.iter().find(|service| !asked.services.contains(**service));
        let service = if other == Some(false) { foreign } else { asked.services.iter().next() };
        let Some(service) = service else { return };
        let mut fields = vec![("code", known.compact.clone()), ("service_id", (*service).to_owned())];
        if other == Some(true) {
            fields.push(("uin", iin(asked.subject + 1).as_str().to_owned()));
        }
        if ago.is_some() {
            fields.push(("requested_at", clock::text(at)));
        }
        let subject = asked.subject;
        let told = self.service.call("register", Service::CheckToken, &fields).await;
        let expected = match other {
            None => (status, reason),
            Some(true) => ("mismatch", None),
            Some(false) => ("unknown", None),
        };
        assert_eq!(
            (told.get("status").unwrap(), told.get("reason")),
            expected,
            "token {token} {ago:?} ms ago"
        );
        assert_eq!(told.get("active"), Some(if expected.0 == "active" { "true" } else { "false" }));
        if matches!(expected.0, "unknown" | "mismatch") {
            assert!(told.get("uin").is_none() && told.get("token_id").is_none(), "it tells nothing else");
            return;
        }
        let pending = self.ledger.open_application(token).is_some() && self.ledger.is_in_force(token, now);
        assert_eq!(told.get("revocation_pending"), Some(if pending { "true" } else { "false" }));
        self.accesses[usize::try_from(subject).unwrap()] += 1;
    }

    pub async fn file(&mut self, token: usize, by_request: bool, other: bool) {
        let now = self.now();
        let known = &self.ledger.tokens[token];
        let request = &self.ledger.requests[known.request];
        let subject = (request.asked.subject + u64::from(other)) % SUBJECTS;
        let contested =
            if by_request { ("request_id", request.id.to_string()) } else { ("token_id", known.jti.clone()) };
        let fields =
            [("uin", iin(subject).as_str().to_owned()), contested, ("applicant", "subject".to_owned())];
        let told = self.service.call("egov", Service::Revoke, &fields).await;
        let ended = self.ledger.tokens[token].ended.map(|(_, reason)| reason);
        if other {
            return assert_eq!((told.code.as_str(), told.get("reason")), ("SCSE001", Some("token-unknown")));
        }
        if let Some(open) = self.ledger.open_application(token) {
            let open = &self.ledger.applications[open];
            assert_eq!(told.get("application_id"), Some(open.id.as_str()), "one application at a time");
            return assert_eq!(told.get("deadline"), Some(open.deadline.to_string().as_str()));
        }
        if !self.ledger.is_in_force(token, now) {
            let reason = if ended == Some("revoked") { "revoked" } else { "nothing-to-revoke" };
            return assert_eq!(told.get("reason"), Some(reason));
        }
        let deadline = self.ledger.days.deadline(now);
        assert_eq!(told.get("deadline"), Some(deadline.to_string().as_str()), "fifteen working days");
        assert_eq!(told.get("state"), Some("open"));
        let id = told.get("application_id").unwrap().to_owned();
        assert!(self.ledger.applications.iter().all(|known| known.id != id), "a new application");
        self.ledger.applications.push(Application { id, token, filed: now, deadline, review: Review::Open });
    }

    pub async fn solve(&mut self, application: usize, approve: bool, other: bool) {
        let now = self.now();
        let known = &self.ledger.applications[application];
        let reviewer = self.ledger.requests[self.ledger.tokens[known.token].request].asked.initiator;
        let sender = INITIATORS[(reviewer + usize::from(other)) % 2];
        let mut fields = vec![("application_id", known.id.clone())];
        if approve {
            fields.push(("decision", "approve".to_owned()));
        } else {
            fields.push(("decision", "refuse".to_owned()));
            fields.push(("reason", "Договор не исполнен".to_owned()));
            fields.push(("obligation", "заём".to_owned()));
        }
        let told = self.service.call(sender, Service::SendSolution, &fields).await;
        if other {
            return assert_eq!(told.get("reason"), Some("application-unknown"), "it is not theirs to decide");
        }
        if known.review != Review::Open {
            return assert_eq!(told.get("reason"), Some("already-decided"), "nothing is decided twice");
        }
        assert_eq!(told.get("state"), Some(if approve { "approved" } else { "refused" }));
        let token = known.token;
        let in_force = self.ledger.is_in_force(token, now);
        if approve && in_force {
            self.ledger.tokens[token].ended = Some((now, "revoked"));
        }
        self.ledger.applications[application].review =
            if approve { Review::Approved(now) } else { Review::Refused };
    }

    pub async fn list(&mut self, initiator: usize) {
        let told = self.service.call(INITIATORS[initiator], Service::ListToRevoke, &[]).await;
        let theirs = |application: &&Application| {
            let reviewer =
                self.ledger.requests[self.ledger.tokens[application.token].request].asked.initiator;
            application.review == Review::Open && reviewer == initiator
        };
        let open: Vec<&Application> = self.ledger.applications.iter().filter(theirs).collect();
        let ids: Vec<&str> = open.iter().map(|application| application.id.as_str()).collect();
        assert_eq!(told.all("application_id"), ids, "those that are open, oldest first");
        let deadlines: Vec<String> =
            open.iter().map(|application| application.deadline.to_string()).collect();
        assert_eq!(told.all("deadline"), deadlines);
    }
}
