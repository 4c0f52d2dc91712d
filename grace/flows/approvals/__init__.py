"""What people decide about governed actions, told where the business looks: with the client and the lead."""
