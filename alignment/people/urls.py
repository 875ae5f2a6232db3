"""The addresses of people, teams, company, first start, sign-in and the user's own account."""

from allauth.account import views as allauth
from django.urls import path

from alignment.people import account_views, calendar_views, token_views, views

urlpatterns = [
    path("welcome/", account_views.welcome, name="welcome"),
    path("setup/people/", views.people, name="setup_people"),
    path("setup/people/new/", views.person_new, name="setup_person_new"),
    path("setup/people/<int:pk>/", views.person, name="setup_person"),
    path("setup/people/<int:pk>/active/", views.person_active, name="setup_person_active"),
    path("setup/people/<int:pk>/password/", views.person_password, name="setup_person_password"),
    path("setup/people/<int:pk>/link/", views.person_link, name="setup_person_link"),
    path("setup/teams/", views.teams, name="setup_teams"),
    path("setup/teams/new/", views.team_new, name="setup_team_new"),
    path("setup/teams/<int:pk>/", views.team, name="setup_team"),
    path("setup/teams/<int:pk>/retire/", views.team_retire, name="setup_team_retire"),
    path("setup/calendars/", calendar_views.calendars, name="setup_calendars"),
    path("setup/calendars/new/", calendar_views.calendar_new, name="setup_calendar_new"),
    path("setup/calendars/<int:pk>/", calendar_views.calendar, name="setup_calendar"),
    path("setup/calendars/<int:pk>/dates/", calendar_views.calendar_date, name="setup_calendar_date"),
    path(
        "setup/calendars/<int:pk>/dates/<int:date>/remove/",
        calendar_views.calendar_date_remove,
        name="setup_calendar_date_remove",
    ),
    path("setup/calendars/<int:pk>/retire/", calendar_views.calendar_retire, name="setup_calendar_retire"),
    path("absences/", calendar_views.absences, name="absences"),
    path("absences/<int:pk>/cancel/", calendar_views.absence_cancel, name="absence_cancel"),
    path("setup/tokens/", token_views.everybodys, name="setup_tokens"),
    path("setup/tokens/<int:pk>/revoke/", token_views.revoke_any, name="setup_token_revoke"),
    path("setup/company/", views.company, name="setup_company"),
    path("account/login/", allauth.login, name="account_login"),
    path("account/logout/", allauth.logout, name="account_logout"),
    path("account/inactive/", allauth.account_inactive, name="account_inactive"),
    path("account/me/", account_views.me, name="account_me"),
    path("account/theme/", account_views.theme, name="account_theme"),
    path("account/tokens/", token_views.tokens, name="account_tokens"),
    path("account/tokens/<int:pk>/revoke/", token_views.revoke, name="account_token_revoke"),
    path("account/password/", allauth.password_change, name="account_change_password"),
    path("account/password/<uidb64>/<token>/", account_views.SetPassword.as_view(), name="set_password"),
]
