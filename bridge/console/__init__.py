"""What the pages of the console ask for: building automations, boards, figures, and what operators do."""
