"""The client's pages: without JavaScript, by forms, with a strict policy, and readable refusals."""

from tests.flows.story import Story, path, said

HTML = {"Accept": "text/html,application/xhtml+xml"}


async def test_a_client_reads_accepts_and_signs_by_pages_alone(story: Story) -> None:
    _, link = await story.offered()
    page = await story.client.get(link, headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert f'action="{link}/accept/form"' in page.text
    assert "Acme Engines Inc." in page.text

    onward = await story.client.post(f"{link}/accept/form", data={"name": " Ada Smith "}, headers=HTML)
    assert onward.status_code == 303
    contract = onward.headers["location"]
    assert contract.startswith("/contract/")
    page = await story.client.get(contract, headers=HTML)
    assert f'action="{contract}/sign/form"' in page.text
    assert (await story.client.post(f"{contract}/sign/form", data={"name": "Ada Smith"})).status_code == 303
    assert "Signed by Ada Smith" in (await story.client.get(contract, headers=HTML)).text
    accepted = (await story.client.get(link, headers=HTML)).text
    assert "You accepted this proposal" in accepted
    assert f'href="{contract}">See the contract</a>' in accepted


async def test_a_refusal_is_a_page_for_a_person_and_changes_nothing(story: Story) -> None:
    _, link = await story.offered()
    await story.client.post(f"{link}/decline/form", data={"reason": "Too dear."}, headers=HTML)
    assert "You declined" in (await story.client.get(link, headers=HTML)).text
    refused = await story.client.post(f"{link}/accept/form", data={"name": "Ada Smith"}, headers=HTML)
    assert refused.status_code == 409
    assert refused.headers["content-type"].startswith("text/html")
    assert "declined already" in refused.text
    assert f'<a href="{link}">Back to the page</a>' in refused.text
    assert (await story.rows("select status from proposal")) == [{"status": "declined"}]
    unknown = await story.client.get(f"/proposal/{story.workspace.handle}.x", headers=HTML)
    assert (unknown.status_code, "not known" in unknown.text) == (404, True)
    unstorable = await story.client.post(f"{link}/decline/form", data={"reason": "a\x00b"}, headers=HTML)
    assert unstorable.status_code == 400
    nameless = await story.client.post(f"{link}/accept/form", data={"name": ""}, headers=HTML)
    assert nameless.status_code == 422
    assert "Name: is missing." in nameless.text


async def test_what_a_client_wrote_is_text_on_the_page(story: Story) -> None:
    hostile = "A website with 5 pages <img src=x onerror=alert(1)> and a [link](javascript:alert(1)) for us"
    lead_id = await story.lead(company="<b>Acme</b> & Sons")
    made = await story.generated(lead_id, requirements=hostile)
    sent = await story.owner.post(f"/api/v1/proposals/{made['proposal_id']}/send")
    assert {one["code"] for one in made["proposal"]["scan"]["findings"]} >= {"link_script", "injection_html"}
    await story.vote(sent.json()["decision_id"])
    url = (await said(story.owner.get(f"/api/v1/proposals/{made['proposal_id']}")))["client_url"]
    page = (await story.client.get(path(url), headers=HTML)).text
    assert "<img" not in page
    assert "<b>Acme" not in page
    assert 'href="javascript' not in page


async def test_the_survey_page(story: Story) -> None:
    _, _, survey = await story.delivered(budget=4000, requirements="A website with 3 pages.")
    page = await story.client.get(survey, headers=HTML)
    assert page.text.count('type="radio"') == 11
    answered = await story.client.post(f"{survey}/form", data={"score": "9", "comment": "Quick."}, headers=HTML)
    assert answered.headers["location"] == survey
    page = await story.client.get(survey, headers=HTML)
    assert 'value="9" required checked' in page.text
    assert "Quick." in page.text
    assert (await story.client.post(f"{survey}/form", data={"score": "11"}, headers=HTML)).status_code == 422
