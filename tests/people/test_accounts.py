"""The write verbs: what they refuse, and under concurrency."""

import threading

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection

from alignment.people import accounts
from alignment.people.models import Company, Role, Side, Team, User
from tests.factories import make_imported_user, make_team, make_user

GIVEN = {"company_name": "Northwind", "name": "Olu", "email": "olu@example.com", "password": "first of all words"}


def together(*calls):
    """Runs calls at once on connections of their own; what each returned or raised, in no order."""
    start, said = threading.Barrier(len(calls)), []

    def run(call):
        start.wait()
        try:
            said.append(call())
        except Exception as error:
            said.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return said


@pytest.mark.django_db(transaction=True)
def test_two_first_visitors_make_one_admin():
    said = together(
        *(lambda n=n: accounts.open_install(**GIVEN | {"email": f"first{n}@example.com"}) for n in range(4))
    )

    assert User.objects.with_login().count() == 1
    assert sum(isinstance(answer, ValidationError) for answer in said) == 3


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_demote_each_other():
    first, second = make_user(Role.REVOPS), make_user(Role.REVOPS)

    said = together(
        lambda: accounts.change_person(user_id=first.pk, changes={"role": Role.EXECUTIVE}),
        lambda: accounts.deactivate_person(user_id=second.pk),
    )

    assert sum(isinstance(answer, ValidationError) for answer in said) == 1
    assert User.objects.active().filter(role=Role.REVOPS).count() == 1


@pytest.mark.django_db
class TestPeople:
    def test_the_first_admin_opens_the_install(self):
        admin = accounts.open_install(**GIVEN)

        assert (admin.role, Company.get().name) == (Role.REVOPS, "Northwind")
        assert admin.check_password(GIVEN["password"])

    def test_imported_owners_do_not_close_the_first_start(self):
        make_imported_user()

        assert accounts.open_install(**GIVEN)

    @pytest.mark.parametrize("changes", [{"role": Role.EXECUTIVE}, {"is_active": False}, {"email": None}])
    def test_the_last_admin_stays(self, changes):
        admin = make_user(Role.REVOPS)
        make_user(Role.REVOPS, is_active=False)
        make_user(Role.REVOPS, password=None)

        with pytest.raises(ValidationError, match="last RevOps admin"):
            accounts.change_person(user_id=admin.pk, changes=changes)

        assert list(User.objects.active().with_login().filter(role=Role.REVOPS)) == [admin]

    def test_an_admin_may_go_when_another_stays(self):
        admin = make_user(Role.REVOPS)
        make_user(Role.REVOPS)

        assert not accounts.deactivate_person(user_id=admin.pk).is_active
        assert accounts.reactivate_person(user_id=admin.pk).is_active

    def test_a_head_is_not_deactivated_before_there_is_another(self):
        head = make_user(Role.MANAGER)
        accounts.change_company(changes={"sales_head": head})

        with pytest.raises(ValidationError, match="Name another head first"):
            accounts.deactivate_person(user_id=head.pk)

    def test_a_manager_is_not_deactivated_before_the_team_has_another(self):
        manager = make_user(Role.MANAGER)
        team = make_team(name="Iberia", manager=manager)

        with pytest.raises(ValidationError, match="They manage Iberia"):
            accounts.deactivate_person(user_id=manager.pk)
        accounts.retire_team(team_id=team.pk)

        assert not accounts.deactivate_person(user_id=manager.pk).is_active

    def test_a_team_with_people_is_not_retired(self):
        member = make_user()
        accounts.reactivate_person(user_id=member.pk)

        with pytest.raises(ValidationError, match="still has people"):
            accounts.retire_team(team_id=member.team_id)
        accounts.deactivate_person(user_id=member.pk)

        assert accounts.retire_team(team_id=member.team_id).retired_at
        assert accounts.reopen_team(team_id=member.team_id).retired_at is None


@pytest.mark.django_db
class TestDemoLogins:
    def test_there_are_none_outside_the_demo(self, settings):
        settings.DEMO = False

        with pytest.raises(ImproperlyConfigured):
            accounts.ensure_demo_logins()

        assert not User.objects.exists()

    def test_the_demo_has_one_login_a_role_and_making_them_again_changes_nothing(self, settings):
        settings.DEMO = True

        people = accounts.ensure_demo_logins()
        accounts.ensure_demo_logins()

        assert set(people) == set(Role)
        assert User.objects.count() == 5
        assert people[Role.REP].email == "rep@accord.example"
        assert people[Role.REP].check_password("accord-demo")
        assert {team.side for team in Team.objects.all()} == set(Side)
