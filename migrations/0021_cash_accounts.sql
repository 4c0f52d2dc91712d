-- The business's money, found without reading the accounts of clients: home shows it on every visit.
create index ledger_account_cash on ledger_account (id) where purpose in ('bank', 'clearing');
